"""From a config file and the command line's overrides to a Config."""

from __future__ import annotations

import argparse
import ast
import difflib
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from segda_mm.errors import PreflightError

from .config_files import read_config
from .own import data as own_data
from .schedules import follow_epochs

#: A word of `--cfg-options` whose value has a mapping, alone or in lists.
_MAPPING = re.compile(r'[^=]*=\s*([\[(]\s*)*(\{|dict\()')

#: Settings at the top of a config: the Runner's arguments, what it looks up itself,
#: and those of this package. All other names there are variables.
SETTINGS = {
    *inspect.signature(Runner.__init__).parameters,
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'from_scratch',
    'labeler',
    'make_checkpoint',
    'make_data',
    'miniature_config',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
    'tta_model',
    'tta_pipeline',
} - {'self', 'cfg'}


def load_config(
    path: str | Path,
    cfg_options: Sequence[str] | Mapping[str, Any] | None = None,
    work_dir: str | Path | None = None,
    recipe: str | None = None,
) -> Config:
    """Read a config, merge overrides into it and settle what follows from them.

    These are the work directory, learning rates that last as long as the training, and
    all that a file about own data leaves to be settled.

    A new key of an entry passes: the constructor that gets it will tell.

    Args:
        path: A config file, or the name of one, see :func:`find_config`. A config is a
            program: it is executed.
        cfg_options: ``key.subkey=value`` strings as MMSegmentation's
            ``--cfg-options`` takes them, or a mapping of dotted keys.
        work_dir: Where logs and checkpoints go; by default the config's own
            ``work_dir``, else ``work_dirs/<name of the config>``.
        recipe: For a file about own data, another recipe than the one that it names.

    Raises:
        PreflightError: The file or a base of it cannot be read, or an option has no
            ``=``, would change nothing or does not fit what it overrides.
    """
    cfg = read_config(path)
    if not isinstance(cfg_options, Mapping):
        cfg_options = parse_cfg_options(cfg_options or ())
    if own_data.is_own(cfg):
        cfg = own_data.with_recipe(cfg, recipe or cfg.recipe.name)
        first = {k: v for k, v in cfg_options.items() if own_data.is_setting(k)}
        _merge_options(cfg, first)
        own_data.settle(cfg, first)
        cfg_options = {k: v for k, v in cfg_options.items() if k not in first}
    epochs = (cfg.get('train_cfg') or {}).get('max_epochs')
    _merge_options(cfg, cfg_options)
    follow_epochs(cfg, epochs, list(cfg_options))
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(cfg.filename).stem))
    return cfg


def _merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        # A plan of self-training, which has no model, knows its keys itself.
        if 'model' in cfg and not own_data.is_setting(key):
            _refuse_dead_option(cfg, key)
        try:
            cfg.merge_from_dict({key: value})
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise PreflightError(
                f'--cfg-options {key}={value} does not fit what the config has '
                f'there: {error.args[0]}'
            ) from error


def parse_cfg_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn ``['a.b=1', 'c=[x,y]']`` into ``{'a.b': 1, 'c': ['x', 'y']}``.

    Values with braces are Python's: ``"c={'type': 'EMAHook'}"``.
    """
    for pair in pairs:
        if '=' not in pair:
            raise PreflightError(
                f'--cfg-options takes key.subkey=value pairs, not "{pair}"'
            )
    # MMEngine reads numbers, words, lists and tuples; mappings it does not know.
    plain = [pair for pair in pairs if not _MAPPING.match(pair)]
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction, default={})
    options = parser.parse_args(['--cfg-options', *plain]).cfg_options
    for key, text in (pair.split('=', maxsplit=1) for pair in pairs):
        if key not in options:
            options[key] = _read_mapping(key, text)
        elif isinstance(options[key], str):
            # MMEngine takes the blanks out, also those of a path.
            options[key] = text.strip('\'"')
    return options


def _read_mapping(key: str, text: str) -> Any:
    """A value with mappings, written as in Python."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError) as error:
        raise PreflightError(
            f'--cfg-options {key}={text} is no value of Python; a mapping is written '
            "as {'type': 'EMAHook', 'momentum': 0.01}, in quotes of the shell"
        ) from error


def children(node: object) -> Iterable[tuple[Any, Any]]:
    """Names or numbers and contents of the entries below a node."""
    if isinstance(node, dict):
        return node.items()
    return enumerate(node) if isinstance(node, list | tuple) else ()


def _refuse_dead_option(cfg: Config, dotted_key: str) -> None:
    """Refuse a name at the top that nothing reads, or nothing reads any more."""
    top = dotted_key.partition('.')[0]
    if top not in cfg and top not in SETTINGS:
        near = difflib.get_close_matches(top, SETTINGS, cutoff=0.5)
        hint = f'; did you mean {" or ".join(near)}?' if near else ''
        raise PreflightError(
            f'--cfg-options {dotted_key}: nothing reads {top} in a config{hint}'
        )
    # MMEngine gives `data_preprocessor` to a model that has none of its own.
    own_preprocessor = top == 'data_preprocessor' and top in cfg.model
    if top not in cfg or (top in SETTINGS and not own_preprocessor):
        return
    raise PreflightError(
        f'--cfg-options {dotted_key}: nothing reads {top} any more. It is a variable '
        'of the config files, which have put its value elsewhere: override it there'
    )
