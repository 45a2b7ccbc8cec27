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
from collections.abc import Sequence
from importlib import metadata

#: Oldest supported version of each distribution; `setup.cfg` asks for the same, but for
#: OpenCV, which others bring.
MINIMUM_VERSIONS = {
    'torch': '2.10',
    'torchvision': '0.25',
    'numpy': '2.0',
    'pillow': '10.3',
    'opencv-python': '4.10',
    'matplotlib': '3.9',
    'scipy': '1.11',
    'safetensors': '0.4',
    'jinja2': '3.1',
    'filelock': '3.12',
    'rich': '13',
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

#: What OpenMMLab's libraries print on parts that nobody uses here.
_KNOWN_NOISE = 'Could not import OneDL'

_reported: set[str] = set()


def installed_version(distribution: str) -> str | None:
    """Version of a distribution or of an equivalent one; None if there is none."""
    for name in (distribution, *EQUIVALENT_DISTRIBUTIONS.get(distribution, ())):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


def is_older(version: str, minimum: str) -> bool:
    """Whether a version's release comes first; suffixes as ``rc1`` do not count."""

    def release(text: str) -> list[int]:
        digits = re.split(r'[^\d.]', text)[0]
        return [int(number) for number in re.sub(r'(\.0)*\.?$', '', digits).split('.')]

    return release(version) < release(minimum)


def environment_problems() -> list[str]:
    """Sentences on what keeps the package from working, each with its remedy."""
    return dependency_problems() or import_problems()


def dependency_problems() -> list[str]:
    """Sentences on missing, too old and overwritten distributions, by metadata."""
    problems = []
    present = {n: v for n in REPLACED_DISTRIBUTIONS if (v := installed_version(n))}
    if present:
        wanted = list(dict.fromkeys(REPLACED_DISTRIBUTIONS[name] for name in present))
        pins = ' '.join(f"'{name}>={MINIMUM_VERSIONS[name]}'" for name in wanted)
        problems.append(
            f'The abandoned {", ".join(map(" ".join, present.items()))} stands over '
            f'the files of {", ".join(wanted)}: `pip uninstall -y {" ".join(present)}`,'
            f' then `pip install --force-reinstall --no-deps {pins}`.'
        )
    missing, old = [], []
    for name, minimum in MINIMUM_VERSIONS.items():
        version = installed_version(name)
        if version is None:
            missing.append(name)
        elif is_older(version, minimum):
            old.append(f'{name} {version} (at least {minimum} is needed)')
    if missing:
        problems.append(
            f'Not installed: {", ".join(missing)}; run `pip install -e .` in the '
            'repository, or use .venv/bin/python after `make test`.'
        )
    if old:
        problems.append(
            f'Too old: {", ".join(old)}; run `pip install --upgrade -e .` in the '
            'repository.'
        )
    return problems


def import_problems() -> list[str]:
    """A sentence on the first library that is installed but cannot be imported."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformable')
    problems = []
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for module in _STACK:
            try:
                importlib.import_module(module)
            # A broken build raises whatever it likes.
            except Exception as error:
                problems.append(
                    f'`{module}` is installed but cannot be imported '
                    f'({type(error).__name__}: {" ".join(str(error).split())}); start '
                    'from a fresh environment with `make test`.'
                )
                break
    for line in printed.getvalue().splitlines():
        if _KNOWN_NOISE not in line:
            print(line)
    return problems


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
