"""Config files by name, from any folder, and what they inherit of packages."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from segda_mm.errors import PreflightError


def config_root(package: str = 'segda_mm') -> Path:
    """The folder of the configs that belong to a package.

    Of this one, ``segda_mm/configs`` in an installation and ``configs`` in a clone; of
    a library of OpenMMLab, where its wheel puts them (``.mim``) or its clone has them.

    Raises:
        PreflightError: The package is not installed, or without configs.
    """
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise PreflightError(
            f'{package}:: stands for the configs of a package that is not installed; '
            'segda_mm:: and mmseg:: always are'
        )
    home = Path(next(iter(spec.submodule_search_locations)))
    for root in (home / 'configs', home / '.mim' / 'configs', home.parent / 'configs'):
        if (root / '_base_').is_dir():
            return root
    raise PreflightError(
        f'the installed {package} ({home}) holds no configs; reinstall it, or name '
        'config files by their path'
    )


def shipped_configs() -> list[str]:
    """Names of the configs that are shipped, without those that are bases only."""
    root = config_root()
    paths = (path.relative_to(root) for path in root.rglob('*.py'))
    return sorted(
        path.with_suffix('').as_posix() for path in paths if path.parts[0] != '_base_'
    )


def find_config(name: str | Path) -> Path:
    """The file of a config.

    Args:
        name: A path; or the name of a shipped config, with its folder or without, as
            ``'mpl_bisenet_gta2cs'``; or one of a package, as
            ``'mmseg::segformer_mit-b0'``, where bases may be meant as well. The suffix
            ``.py`` may be left out.

    Raises:
        PreflightError: There is none, or several have this name.
    """
    package, separator, inner = str(name).partition('::')
    if not separator:
        for path in (Path(name).expanduser(), Path(f'{name}.py').expanduser()):
            if path.is_file():
                return path
        package, inner = 'segda_mm', str(name).removeprefix('configs/')
    root = config_root(package)
    for path in (root / inner, root / f'{inner}.py'):
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            return path
    known: dict[str, list[Path]] = {}
    for path in sorted(root.rglob('*.py')):
        if separator or '_base_' not in path.relative_to(root).parts:
            known.setdefault(path.stem, []).append(path)
    stem = Path(inner).name.removesuffix('.py')
    found = known.get(stem, []) if Path(inner).name == inner else []
    if len(found) == 1:
        return found[0]
    if found:
        names = (path.relative_to(root).as_posix() for path in found)
        raise PreflightError(
            f'several configs of {package} are named {stem}; write one of '
            f'{", ".join(f"{package}::{name}" for name in names)}'
        )
    near = difflib.get_close_matches(stem, known, n=3)
    hint = f'did you mean {" or ".join(near)}?' if near else '`segda config` lists ours'
    raise PreflightError(f'there is no config {name}; {hint}')


def read_config(name: str | Path) -> Config:
    """Read a config file, which is a program, with all that it inherits.

    ``_base_`` may name files of packages, as ``'segda_mm::own/dsc.py'`` and
    ``'mmseg::segformer_mit-b0'``; see :func:`find_config`. Modules beside the file can
    be named in ``custom_imports``.

    Raises:
        PreflightError: Naming the file that cannot be read, and the line of it.
    """
    path = find_config(name)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        with _bases_of_packages():
            return Config.fromfile(path)
    except PreflightError as error:
        raise PreflightError(f'the config {path} cannot be read: {error}') from error
    # It is a program, and may fail as one.
    except Exception as error:
        raise PreflightError(_reading_failed(path, error)) from error


@contextmanager
def _bases_of_packages() -> Iterator[None]:
    # MMEngine looks for the abandoned distributions of these packages.
    original = vars(Config)['_get_cfg_path']

    def get_cfg_path(base: str, file: str) -> tuple[str, str | None]:
        return (str(find_config(base)), None) if '::' in base else original(base, file)

    Config._get_cfg_path = staticmethod(get_cfg_path)
    try:
        yield
    finally:
        Config._get_cfg_path = original


def _reading_failed(path: Path, error: Exception) -> str:
    # MMEngine reads bases within the reading of what inherits them.
    reading, line = str(path), ''
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code is Config._file2dict.__code__:
            reading = frame.f_locals['filename']
        elif frame.f_code.co_filename == reading:
            line = f', line {number}'
    inherited = Path(reading).resolve() != path.resolve()
    where = f'{reading}{line}: ' if inherited or line else ''
    text = str(error.args[0] if isinstance(error, KeyError) else error)
    _, duplicate, keys = text.partition('Duplicate keys: ')
    if duplicate:
        reason = (
            f'two of the files in its _base_ both set {keys.strip("{}")}. Leave one of '
            'them out, or set it in this config alone'
        )
    else:
        reason = f'{type(error).__name__}: {text}'
    return f'the config {path} cannot be read: {where}{reason}'
