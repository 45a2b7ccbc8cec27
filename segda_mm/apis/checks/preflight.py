"""What must be in place before a job is worth starting."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from segda_mm.datasets.places import places_read
from segda_mm.doctor import MAKE_MINIATURE
from segda_mm.errors import MissingDataError, PreflightError
from segda_mm.models.checkpoints import (
    local_checkpoint,
    only_plain_checkpoints,
    parse_checkpoint_source,
)
from segda_mm.outputs import note_folder, require_apart, require_own_folder
from segda_mm.registry import DATASETS, MODELS

from ..config import children
from ..config_files import read_config, shipped_configs
from .config_errors import config_errors

#: Entries of mmseg's and our models that name a checkpoint.
_WEIGHT_KEYS = ('checkpoint', 'pretrained')

#: Entries of a data set that say which files it has.
_FILE_KEYS = ('data_root', 'data_prefix', 'img_suffix', 'ann_file')


def require_data(cfg: Config, loaders: Sequence[str]) -> dict[str, BaseDataset]:
    """Build the data sets of a config, which lists their files and reads none.

    Args:
        cfg: A whole config. Its ``miniature_config`` names the config of the same
            job on the miniature world, ``make_data`` the command that writes the data.
        loaders: Config keys, as ``'train_dataloader'``; absent ones are passed over.

    Returns:
        The data sets by the keys of their loaders.

    Raises:
        PreflightError: Naming the folder, what belongs there and the command for the
            same job on the miniature world; or the wrong file and the remedy.
    """
    return {
        loader: _require_dataset(cfg, loader, cfg[loader]['dataset'])
        for loader in loaders
        if cfg.get(loader) is not None
    }


def require_outputs_apart(cfg: Config, datasets: Mapping[str, BaseDataset]) -> None:
    """See that ``work_dir`` and what metrics write lie apart from what is read.

    Args:
        cfg: A whole config.
        datasets: What :func:`require_data` returned.

    Raises:
        PreflightError: Naming the folder.
    """
    for folders, files in map(places_read, datasets.values()):
        if cfg.get('work_dir'):
            require_apart(cfg.work_dir, folders, files, may_hold=True)
        for loader in datasets:
            key = loader.replace('dataloader', 'evaluator')
            evaluators: Any = cfg.get(key) or []
            for evaluator in [evaluators] if 'type' in evaluators else evaluators:
                if evaluator.get('output_dir'):
                    require_own_folder(evaluator['output_dir'], folders, files)
                    note_folder(evaluator['output_dir'])


def require_model(cfg: Config) -> None:
    """Build the model of a config, without its weights, and forget it.

    Raises:
        PreflightError: Naming the key of the entry that cannot be built.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with config_errors(cfg), only_plain_checkpoints():
        MODELS.build(copy.deepcopy(cfg.model))


def require_hook_data(cfg: Config) -> None:
    """As :func:`require_data`, for the hooks that have a ``dataloader``."""
    for kind in ('default_hooks', 'custom_hooks'):
        for name, hook in children(cfg.get(kind)):
            loader = hook.get('dataloader') if isinstance(hook, dict) else None
            if isinstance(loader, dict) and 'dataset' in loader:
                _require_dataset(cfg, f'{kind}.{name}.dataloader', loader['dataset'])


def _require_dataset(cfg: Config, loader: str, dataset: dict) -> BaseDataset:
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    try:
        return DATASETS.build(copy.deepcopy(dataset))
    except MissingDataError as error:
        folder, expected = error.folder, error.expected
    except FileNotFoundError as error:
        # mmseg's own data sets list their folders without a look.
        if error.filename is None:
            raise
        folder, expected = error.filename, f'the files of {loader}'
    except Exception as error:
        given = [f'{key}={dataset[key]!r}' for key in _FILE_KEYS if dataset.get(key)]
        if given and type(error) is ValueError:
            # mmseg's own data sets give no reason where they find no file.
            raise PreflightError(
                f'{loader}.dataset: {error}. Perhaps no image fits {", ".join(given)}'
            ) from error
        with config_errors(cfg, loader):
            raise
    lines = [
        f'the data of {loader} are not there.',
        f'  looked for:         {folder}',
        f'  what belongs there: {expected}',
    ]
    if cfg.get('make_data') or 'minicity' in Path(folder).parts:
        commands = cfg.get('make_data', MAKE_MINIATURE).split(' && ')
        lines += ['The miniature world is written by', *(f'  {c}' for c in commands)]
    elif cfg.get('miniature_config'):
        lines += [
            'The same job on the built-in miniature world, without these data:',
            *(f'  {command}' for command in commands_to_train(cfg.miniature_config)),
        ]
    raise PreflightError('\n'.join(lines))


def settle_initial_checkpoints(cfg: Config, resuming: bool = False) -> None:
    """See that every checkpoint the training starts from exists, or fetch it.

    With ``from_scratch`` in the config, the weights that networks would start from
    (``init_cfg``, ``pretrained``) are taken out of it, in place; checkpoints of
    trainings that it goes on from stay.

    Args:
        cfg: A whole config.
        resuming: All weights will come from the run's own checkpoint, so that absent
            files, and those of a network, are dropped without a word.

    Raises:
        PreflightError: Naming the config key, the file, and how to come by it.
    """
    if cfg.get('from_scratch') and not resuming:
        _drop_pretrained(cfg.get('model'))
    # What can be told without a network comes first.
    weights = sorted(_named_weights(cfg), key=lambda named: '://' in named[-1])
    for owner, entry, key, source in weights:
        if resuming:
            # A hook has its labels, or says itself what it misses.
            if not key.startswith('custom_hooks.') and not Path(source).is_file():
                owner[entry] = None
            continue
        given = owner[entry] if entry in ('init_cfg', 'pretrained') else None
        # StartingWeights are what another training has left.
        for_network = given is not None and 'StartingWeights' not in str(given)
        try:
            local_checkpoint(source)
        except FileNotFoundError:
            message = (
                f'{key} names the checkpoint {source}, which does not exist. Name '
                f'another one with --cfg-options {key}=FILE'
            )
            if key.startswith('model.') and not for_network:
                message += f', start from scratch with {key}=None'
        except (OSError, ValueError) as error:
            message = f'{key}: {error}'
        else:
            continue
        if for_network:
            message += (
                '; or start from random weights with --from-scratch '
                '(`from_scratch = True` in the config)'
            )
        if cfg.get('make_checkpoint') and not for_network:
            message += f', or make it with\n  {cfg.make_checkpoint}'
        elif maker := _maker(cfg, source):
            message += '\n  '.join([', or make it with', *commands_to_train(maker)])
        raise PreflightError(message)


def _drop_pretrained(node: object) -> None:
    for name, child in list(children(node)):
        pretrained = name == 'init_cfg' and 'Pretrained' in str(child)
        if pretrained or (name == 'pretrained' and isinstance(child, str)):
            node[name] = None  # type: ignore[index]
        else:
            _drop_pretrained(child)


def commands_to_train(name: str) -> list[str]:
    """What is typed to train a config: its data, what it goes on from, itself.

    Data are named for the miniature world alone, checkpoints where they are absent.
    """
    cfg, before = read_config(name), dict[str, None]()
    if cfg.get('make_data') or 'minicity' in name:
        before.update(dict.fromkeys(cfg.get('make_data', MAKE_MINIATURE).split(' && ')))
    for _, entry, _, file in _named_weights(cfg):
        if cfg.get('from_scratch') and entry in ('init_cfg', 'pretrained'):
            continue
        if not Path(file).is_file() and (maker := _maker(cfg, file)):
            before.update(dict.fromkeys(commands_to_train(maker)))
    return [*before, f'segda train {name}']


def _maker(cfg: Config, file: str) -> str | None:
    """The config, shipped or beside ``cfg``, whose run writes a checkpoint."""
    # By default it is work_dirs/<name of the config that made it>/...
    name = Path(file).parent.name
    if any(config.rpartition('/')[2] == name for config in shipped_configs()):
        return name
    roots = [p for p in Path(cfg.filename or '').parents if p.name == 'configs']
    return next((str(p) for root in roots for p in root.rglob(f'{name}.py')), None)


def require_trusted_sources(cfg: Config) -> None:
    """Raise PreflightError for weights at a URL whose content nobody vouches for."""
    for _, _, key, source in _named_weights(cfg):
        try:
            parse_checkpoint_source(source)
        except ValueError as error:
            raise PreflightError(f'{key}: {error}') from error


def _named_weights(cfg: Config) -> Iterator[tuple[Any, Any, str, str]]:
    """Owner and entry to set to None to do without, dotted key, file or URL."""
    if cfg.get('load_from'):
        yield cfg, 'load_from', 'load_from', cfg.load_from
    yield from _weights_below(cfg.get('model'), 'model')
    # Those that a hook labels with.
    yield from _weights_below(cfg.get('custom_hooks'), 'custom_hooks')


def _weights_below(node: object, key: str) -> Iterator[tuple[Any, Any, str, str]]:
    for name, child in children(node):
        inner = f'{key}.{name}'
        if name in _WEIGHT_KEYS and isinstance(child, str):
            yield node, name, inner, child
        elif name == 'init_cfg' and isinstance(child, dict):
            # An initializer makes no sense without its checkpoint.
            for _, _, weights_key, source in _weights_below(child, inner):
                yield node, name, weights_key, source
        else:
            yield from _weights_below(child, inner)
