"""The config of a row of a study, and what tells it from others."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config
from studies.study import Row, Study, StudyError

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def row_config(
    study: Study,
    row: Row,
    work_dir: str | Path = '',
    seed: int = 0,
    starts: Mapping[str, str | Path] | None = None,
    moved: Mapping[str, str] | None = None,
) -> Config:
    """The whole config of a row.

    Args:
        study: That the row is of.
        row: An evaluation has the config of the row that it evaluates.
        work_dir: Where it works.
        seed: Of the run.
        starts: Row that it starts from -> checkpoint.
        moved: Data root of the configs -> folder that has the data instead.
    """
    source = study.row(row.of) if row.of else row
    cfg = copy.deepcopy(_read(source.config))
    changes = [*([] if source.plan else study.changes), *source.changes]
    changes += row.changes if row.of else []
    changes.append({'seed' if row.plan else 'randomness.seed': seed})
    for name, checkpoint in (starts or {}).items():
        if name in source.start:
            changes.append(dict.fromkeys(source.start[name], str(checkpoint)))
    for change in changes:
        try:
            if callable(change):
                change(cfg)
            else:
                for key, value in change.items():
                    cfg.merge_from_dict({key: copy.deepcopy(value)})
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise StudyError(
                f'{study.name}: a change of row {row.name!r} does not fit '
                f'{source.config}: {type(error).__name__}: {error}'
            ) from error
    content = cfg.to_dict()
    if moved:
        content = _move_data(content, moved)
    # Anew, as changes may have put plain dicts where a config has its own kind.
    cfg = Config(content, filename=cfg.filename)
    cfg.work_dir = str(work_dir)
    return cfg


def config_hash(study: Study, row: Row, moved: Mapping[str, str] | None = None) -> str:
    """What tells a row from others: SHA-256 of its whole config.

    With that of the rows that it needs; without seed and folders.
    """
    needed = {
        name: config_hash(study, study.row(name), moved) for name in sorted(row.needs)
    }
    cfg = row_config(study, row, starts=needed, moved=moved)
    parts = [row.tta, sorted(needed.values()), _plain(cfg.to_dict())]
    if row.plan:
        parts += [_plain(_read(path).to_dict()) for path in sorted(_trained(cfg))]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _read(path: str) -> Config:
    try:
        return load_config(path)
    except PreflightError as error:
        raise StudyError(str(error)) from error


def _trained(value: Any) -> set[str]:
    """The configs that a plan names, wherever it does."""
    if isinstance(value, Mapping):
        own = {value['config']} if isinstance(value.get('config'), str) else set()
        return own.union(*(_trained(part) for part in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(_trained(part) for part in value))
    return set()


def _move_data(content: dict[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """A config with other data roots, also in the trainings of a plan."""

    def move(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in moved.items():
                if value == old or value.startswith(f'{old}/'):
                    return new + value[len(old) :]
            return value
        if isinstance(value, list | tuple):
            return type(value)(move(part) for part in value)
        if not isinstance(value, Mapping):
            return value
        value = {key: move(part) for key, part in value.items()}
        if isinstance(value.get('config'), str):
            value['options'] = {**loaders(value['config']), **value.get('options', {})}
        return value

    def loaders(path: str) -> dict[str, Any]:
        found = _read(path).to_dict()
        changed = {key: found[key] for key in _LOADERS if found.get(key)}
        return {
            f'{key}.dataset': dict(move(loader['dataset']), _delete_=True)
            for key, loader in changed.items()
            if move(loader['dataset']) != loader['dataset']
        }

    return move(content)


def _plain(value: Any) -> Any:
    """In types that JSON knows, without seeds and folders."""
    if isinstance(value, Mapping):
        left_out = ('work_dir', 'seed', 'launcher') if 'work_dir' in value else ()
        value = {key: part for key, part in value.items() if key not in left_out}
        if isinstance(value.get('randomness'), Mapping):
            kept = dict(value['randomness'])
            kept.pop('seed', None)
            value['randomness'] = kept
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    known = value is None or isinstance(value, str | int | float | bool)
    return value if known else repr(value)
