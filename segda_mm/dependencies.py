"""What has to be installed, and the plain sentence when it is not.

Uses the standard library only: it has to work where everything else is missing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import metadata

#: Oldest supported version of each distribution; `setup.cfg` asks for the same.
MINIMUM_VERSIONS = {
    'torch': '2.10',
    'torchvision': '0.25',
    'numpy': '2.0',
    'pillow': '10.3',
    'opencv-python': '4.10',
    'matplotlib': '3.9',
    'scipy': '1.11',
    'safetensors': '0.4',
    'filelock': '3.12',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmpretrain': '1.3.6',
}

#: Abandoned distributions that put their files over those of the maintained one.
REPLACED_DISTRIBUTIONS = {
    'mmengine': 'onedl-mmengine',
    'mmengine-lite': 'onedl-mmengine',
    'mmcv': 'onedl-mmcv',
    'mmcv-full': 'onedl-mmcv',
    'mmcv-lite': 'onedl-mmcv',
    'mmsegmentation': 'onedl-mmsegmentation',
    'mmpretrain': 'onedl-mmpretrain',
    'mmcls': 'onedl-mmpretrain',
}

#: Other distributions of the same import name that serve as well.
EQUIVALENT_DISTRIBUTIONS = {
    'opencv-python': (
        'opencv-python-headless',
        'opencv-contrib-python',
        'opencv-contrib-python-headless',
    ),
}

#: What is imported to see whether the installed libraries work together.
_STACK = ('torch', 'torchvision', 'mmpretrain.models', 'mmseg.datasets', 'mmseg.models')

_KNOWN_NOISE = 'Could not import OneDL'

_reported: set[str] = set()


def installed_version(distribution: str) -> str | None:
    """Version of a distribution or of an equivalent one; None if there is none."""
    names = (distribution, *EQUIVALENT_DISTRIBUTIONS.get(distribution, ()))
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


def is_older(version: str, minimum: str) -> bool:
    """Whether a version's release comes first; suffixes as ``rc1`` do not count."""

    def release(text: str) -> list[int]:
        numbers = [int(n) for n in re.split(r'[^\d.]', text)[0].split('.') if n]
        while numbers and numbers[-1] == 0:
            numbers.pop()
        return numbers

    return release(version) < release(minimum)


def environment_problems() -> list[str]:
    """Sentences on what keeps the package from working, each with its remedy."""
    return dependency_problems() or import_problems()


def dependency_problems() -> list[str]:
    """Sentences on missing, too old and overwritten distributions, by metadata."""
    problems = []
    present = [name for name in REPLACED_DISTRIBUTIONS if installed_version(name)]
    if present:
        wanted = list(dict.fromkeys(REPLACED_DISTRIBUTIONS[name] for name in present))
        pins = ' '.join(f"'{name}>={MINIMUM_VERSIONS[name]}'" for name in wanted)
        found = ', '.join(f'{name} {installed_version(name)}' for name in present)
        problems.append(
            f'The abandoned {found} stands over the files of {", ".join(wanted)}: '
            f'`pip uninstall -y {" ".join(present)}`, then `pip install '
            f'--force-reinstall --no-deps {pins}`.'
        )
    versions = {name: installed_version(name) for name in MINIMUM_VERSIONS}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        problems.append(
            f'Not installed: {", ".join(missing)}; run `pip install -e .` in the '
            'repository, or use .venv/bin/python after `make test`.'
        )
    old = [
        f'{name} {version} (at least {MINIMUM_VERSIONS[name]} is needed)'
        for name, version in versions.items()
        if version is not None and is_older(version, MINIMUM_VERSIONS[name])
    ]
    if old:
        problems.append(
            f'Too old: {", ".join(old)}; run `pip install --upgrade -e .` in the '
            'repository.'
        )
    return problems


def import_problems() -> list[str]:
    """A sentence on the first library that is installed but cannot be imported."""
    for module in _STACK:
        try:
            with quiet_imports():
                importlib.import_module(module)
        # A broken build raises whatever it likes: ImportError, OSError, RuntimeError.
        except Exception as error:
            reason = ' '.join(str(error).split()) or 'no reason given'
            return [
                f'`{module}` is installed but cannot be imported '
                f'({type(error).__name__}: {reason}); see all of it with `python -c '
                f'"import {module}"`, or start from a fresh environment with '
                '`make test`.'
            ]
    return []


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Leave out what OpenMMLab's libraries print on parts that nobody uses here."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformable')
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        for line in printed.getvalue().splitlines():
            if _KNOWN_NOISE not in line:
                print(line)


def report_problems(problems: Sequence[str]) -> None:
    """Print the problems on stderr as one line, once in the life of the process."""
    message = 'segda_mm cannot be used here. ' + ' '.join(problems)
    if message not in _reported:
        print(message, file=sys.stderr)
        _reported.add(message)


def require_dependencies() -> None:
    """Exit with status 1, after one line on stderr, if the libraries do not work."""
    problems = environment_problems()
    if problems:
        report_problems(problems)
        raise SystemExit(1)
