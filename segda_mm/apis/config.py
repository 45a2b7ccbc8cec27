"""From a config file and the command line's overrides to a Config."""

from __future__ import annotations

import argparse
import difflib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config, DictAction

from .preflight_error import PreflightError


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
        PreflightError: there is no such file, or an option has no ``=``.
    """
    path = Path(path)
    if not path.is_file():
        raise PreflightError(f'there is no config {path}')
    cfg = Config.fromfile(path)
    if cfg_options:
        if not isinstance(cfg_options, Mapping):
            cfg_options = parse_cfg_options(cfg_options)
        for key in cfg_options:
            _warn_of_misspelling(cfg, key)
        cfg.merge_from_dict(dict(cfg_options))
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', path.stem))
    return cfg


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
    return parser.parse_args(['--cfg-options', *pairs]).cfg_options


def _warn_of_misspelling(cfg: Config, dotted_key: str) -> None:
    # A new key is merged without a word, so a misspelt override would leave
    # the run as it was.
    node = cfg
    for depth, key in enumerate(dotted_key.split('.')):
        if not isinstance(node, Mapping | Config) or key in node:
            node = node[key] if isinstance(node, Mapping | Config) else None
            continue
        for known in difflib.get_close_matches(key, list(node), n=1, cutoff=0.85):
            where = '.'.join(dotted_key.split('.')[:depth])
            warnings.warn(
                f'--cfg-options adds a new key "{key}" to '
                f'{where or "the config"}, which has "{known}"; a misspelling?',
                stacklevel=3,
            )
        return
