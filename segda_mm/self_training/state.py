"""What of a self-training is done, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from segda_mm.errors import PlanError
from segda_mm.files import atomic_file
from segda_mm.labeling import Processes


class StateFile:
    """The stages that were begun and finished, in a JSON file.

    The file is written whole or not at all. It holds for every stage its
    settings under dotted keys, whether it is finished, and its result. All
    processes of a run have one; the first of them writes, once all are there.

    Args:
        path: The file. Where there is none, nothing is done yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.stages: dict[str, dict] = {}
        self._processes = Processes()
        self._read()

    def check(self, stage: str, settings: Mapping[str, Any]) -> None:
        """See that a stage was not begun with other settings.

        Args:
            stage: Its name.
            settings: As :func:`flat_settings` gives them.

        Raises:
            PlanError: Naming the stage, the key, and both values.
        """
        if stage not in self.stages:
            return
        difference = first_difference(self.stages[stage]['settings'], settings)
        if difference is not None:
            key, before, now = difference
            done = 'finished' if self.is_finished(stage) else 'begun'
            raise PlanError(
                f'stage {stage} in {self.path.parent} was {done} with '
                f'{key} = {_brief(before)}, but the plan now says {_brief(now)}. '
                'Restore it, take another --work-dir, or do this stage and those '
                f'after it again with --redo-from {stage}'
            )

    def is_finished(self, stage: str) -> bool:
        """Whether a stage is done."""
        return self.stages.get(stage, {}).get('finished', False)

    def result(self, stage: str) -> dict[str, Any]:
        """What a finished stage left."""
        return self.stages[stage]['result']

    def begin(self, stage: str, settings: Mapping[str, Any]) -> None:
        """Note the settings of a stage before anything of it is done."""
        begun = dict(finished=False, settings=dict(settings))
        self._replace({**self.stages, stage: begun})

    def finish(self, stage: str, result: Mapping[str, Any]) -> None:
        """Note that a stage is done, and its result in types that JSON knows."""
        finished = dict(self.stages[stage], finished=True, result=_plain(result))
        self._replace({**self.stages, stage: finished})

    def forget(self, stages: Collection[str]) -> None:
        """Take stages for not even begun."""
        rest = {name: s for name, s in self.stages.items() if name not in stages}
        self._replace(rest)

    def _replace(self, stages: dict[str, dict]) -> None:
        self._processes.wait()
        self._processes.from_main(self._write, stages)
        self._read()

    def _write(self, stages: dict[str, dict]) -> None:
        text = json.dumps(dict(stages=stages), indent=1, allow_nan=False)
        with atomic_file(self.path) as unfinished:
            unfinished.write_text(text + '\n', encoding='utf-8')

    def _read(self) -> None:
        if self.path.is_file():
            self.stages = json.loads(self.path.read_text(encoding='utf-8'))['stages']


def flat_settings(settings: Mapping[str, Any], work_dir: str) -> dict[str, Any]:
    """Settings under dotted keys, in types that JSON knows.

    Args:
        settings: Nested dictionaries and lists.
        work_dir: Folder that paths are made relative to, so that it may be
            moved.

    Returns:
        ``{'optim_wrapper.optimizer.lr': 0.001, 'train_cfg.max_epochs': 5}``
    """
    flat = {}
    root = work_dir.rstrip('/')

    def walk(node: Any, key: str) -> None:
        if isinstance(node, Mapping) and node:
            for name, child in node.items():
                walk(child, f'{key}.{name}' if key else str(name))
        elif isinstance(node, list | tuple) and any(
            isinstance(child, Mapping | list | tuple) for child in node
        ):
            for index, child in enumerate(node):
                walk(child, f'{key}.{index}')
        else:
            value = _plain(node)
            if isinstance(value, str) and value.startswith(f'{root}/'):
                value = f'<work dir>{value[len(root) :]}'
            flat[key] = value

    walk(settings, '')
    return flat


def first_difference(
    before: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[str, Any, Any] | None:
    """The first key whose values differ, with both; absent is ``None``."""
    for key in [*before, *(key for key in now if key not in before)]:
        if before.get(key) != now.get(key):
            return key, before.get(key), now.get(key)
    return None


def _plain(value: Any) -> Any:
    # Tuples become lists here as they do in the file.
    return json.loads(json.dumps(value, default=str))


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + '...'
