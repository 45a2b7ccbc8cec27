"""From a config file and the command line's overrides to a Config."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config, DictAction

from segda_mm.errors import PreflightError

from .preflight_keys import check_option


def load_config(
    path: str | Path,
    cfg_options: Sequence[str] | Mapping | None = None,
    work_dir: str | Path | None = None,
) -> Config:
    """Read a config, merge overrides into it and settle its work directory.

    Args:
        path: the config file. A config is a program: it is executed.
        cfg_options: ``key.subkey=value`` strings as MMSegmentation's
            ``--cfg-options`` takes them, or a mapping of dotted keys.
        work_dir: where logs and checkpoints go; by default the config's own
            ``work_dir``, else ``work_dirs/<name of the config>``.

    Raises:
        PreflightError: there is no such file or none of its base configs, it
            cannot be executed, or an option has no ``=`` or would change nothing
            because nothing reads its key.
    """
    cfg = read_config(path)
    merge_options(cfg, cfg_options)
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(path).stem))
    return cfg


def read_config(path: str | Path) -> Config:
    """Execute a config file as it is; for the rest see :func:`load_config`.

    Raises:
        PreflightError: there is no such file or none of its base configs, or it
            cannot be executed.
    """
    path = Path(path)
    if not path.is_file():
        raise PreflightError(f'there is no config {path}')
    try:
        return Config.fromfile(path)
    except (FileNotFoundError, ImportError, NameError, SyntaxError) as error:
        raise PreflightError(
            f'the config {path} cannot be read: {type(error).__name__}: {error}'
        ) from error


def merge_options(cfg: Config, cfg_options: Sequence[str] | Mapping | None) -> None:
    """Merge overrides into a config, in place; see :func:`load_config`.

    Raises:
        PreflightError: an option has no ``=`` or would change nothing because
            nothing reads its key.
    """
    if cfg_options:
        if not isinstance(cfg_options, Mapping):
            cfg_options = parse_cfg_options(cfg_options)
        for key, value in cfg_options.items():
            check_option(cfg, key)
            _merge(cfg, key, value)


def parse_cfg_options(pairs: Sequence[str]) -> dict:
    """Turn ``['a.b=1', 'c=[x,y]']`` into ``{'a.b': 1, 'c': ['x', 'y']}``.

    Raises:
        PreflightError: a pair has no ``=``.
    """
    for pair in pairs:
        if '=' not in pair:
            raise PreflightError(
                f'--cfg-options takes key.subkey=value pairs, not "{pair}"'
            )
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    options = parser.parse_args(['--cfg-options', *pairs]).cfg_options
    for key, text in (pair.split('=', maxsplit=1) for pair in pairs):
        if isinstance(options[key], str):
            # MMEngine takes the blanks out, also those of a path.
            options[key] = text.strip('\'"')
    return options


def _merge(cfg: Config, key: str, value: object) -> None:
    try:
        cfg.merge_from_dict({key: value})
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise PreflightError(
            f'--cfg-options {key}={value} does not fit what the config has there: '
            f'{error.args[0]}'
        ) from error
