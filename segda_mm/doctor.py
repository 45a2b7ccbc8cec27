"""Says what works on this machine: ``python -m segda_mm.doctor``.

Prints versions, devices, the data roots found below ``data/`` and what is wrong,
each fault with its remedy. Exits with status 1 if something prevents work. Only the
standard library is needed to say so.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from segda_mm import __version__
from segda_mm.dependencies import (
    MINIMUM_VERSIONS,
    environment_problems,
    installed_version,
)

SUPPORTED_PYTHONS = ((3, 10), (3, 11), (3, 12))

MAKE_MINIATURE = (
    'python tools/dataset_converters/make_minicity.py --out data/minicity '
    '--size 256x128'
)

#: Counting stops then: a folder of a network drive can take minutes.
COUNTING_SECONDS = 4.0


class DataPart(NamedTuple):
    """One folder of a data root, and how the names of its files end."""

    folder: str
    suffixes: tuple[str, ...]
    required: bool = True


_GTA5 = (DataPart('images', ('.png',)), DataPart('labels', ('.png',)))
_CITYSCAPES = (
    DataPart('leftImg8bit/train', ('_leftImg8bit.png',)),
    DataPart('leftImg8bit/val', ('_leftImg8bit.png',)),
    DataPart('gtFine/val', ('_gtFine_labelIds.png',)),
    # The adaptation itself needs the target's images only.
    DataPart('gtFine/train', ('_gtFine_labelIds.png',), required=False),
    DataPart('leftImg8bit/train_extra', ('_leftImg8bit.png',), required=False),
    DataPart('leftImg8bit_sequence/train', ('_leftImg8bit.png',), required=False),
)
_CAMVID = (
    DataPart('images', ('.jpg', '.png')),
    DataPart('labels', ('.png',)),
)

#: The data roots that the configs name, relative to ``data/``.
DATA_ROOTS: dict[str, tuple[DataPart, ...]] = {
    'gta5': _GTA5,
    'cityscapes': _CITYSCAPES,
    'camvid': _CAMVID,
    'minicity/gta5': _GTA5,
    'minicity/cityscapes': _CITYSCAPES,
}


class DataReport(NamedTuple):
    """What was found in one data root: lines to show, and faults with remedies."""

    lines: list[str]
    problems: list[str]


def version_lines() -> list[str]:
    """One line per distribution: its version and the oldest one that will do."""
    return [
        f'{name:<22}{installed_version(name) or "not installed":<16}'
        f'(at least {minimum})'
        for name, minimum in MINIMUM_VERSIONS.items()
    ]


def python_problems(version: tuple[int, int]) -> list[str]:
    """A sentence if Python ``version`` (major, minor) is not a supported one."""
    if version in SUPPORTED_PYTHONS:
        return []
    names = ', '.join(f'{major}.{minor}' for major, minor in SUPPORTED_PYTHONS)
    return [
        f'Python {version[0]}.{version[1]} is not supported; make an environment with '
        f'one of {names}.'
    ]


def device_lines() -> list[str]:
    """CPU cores, torch's threads and CUDA devices, as far as torch can be imported."""
    lines = [f'CPU   {_usable_cores()} cores']
    torch = sys.modules.get('torch')
    if torch is None:
        return [*lines, 'CUDA  unknown without torch']
    lines[0] += f', torch computes on {torch.get_num_threads()} threads'
    if not torch.cuda.is_available():
        return [*lines, 'CUDA  no device; everything runs on the CPU']
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        memory = device.total_memory / 2**30
        lines.append(f'CUDA  device {index}: {device.name}, {memory:.0f} GiB')
    return lines


def inspect_data_root(
    root: Path, parts: Sequence[DataPart], deadline: float
) -> DataReport:
    """Count the files of each part of a data root.

    Args:
        root: the folder, which need not exist; absent data are no fault.
        parts: the folders to look at.
        deadline: moment of `time.monotonic` at which counting stops. A number cut
            short is marked as "at least".

    Returns:
        DataReport: a fault for each required part without files.
    """
    if not root.is_dir():
        expected = ', '.join(
            f'{part.folder}/*{part.suffixes[0]}' for part in parts if part.required
        )
        return DataReport([f'{root}: not there (expected: {expected})'], [])
    lines, problems = [f'{root}:'], []
    for part in parts:
        count, complete = _count(_files(root / part.folder, part.suffixes), deadline)
        if count or not complete:
            lines.append(f'  {part.folder:<27}{"" if complete else "at least "}{count}')
        elif part.required:
            lines.append(f'  {part.folder:<27}none')
            problems.append(
                f'{root / part.folder} holds no file ending in '
                f'{" or ".join(part.suffixes)}; put them there, or link the folder '
                'that has them.'
            )
    return DataReport(lines, problems)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the whole report; the number returned is the exit status, 0 or 1."""
    parser = argparse.ArgumentParser(
        prog='python -m segda_mm.doctor', description='Say what works on this machine.'
    )
    parser.add_argument(
        '--data',
        type=Path,
        default=Path('data'),
        help='folder of the data roots (default: %(default)s)',
    )
    options = parser.parse_args(arguments)

    problems = python_problems(sys.version_info[:2]) + environment_problems()
    print(
        f'segda_mm {__version__}, Python {platform.python_version()}, '
        f'{platform.platform()}'
    )
    _print_section('Versions', version_lines())
    _print_section('Devices', device_lines())

    deadline = time.monotonic() + COUNTING_SECONDS
    reports = [
        inspect_data_root(options.data / name, parts, deadline)
        for name, parts in DATA_ROOTS.items()
    ]
    _print_section('Data', [line for report in reports for line in report.lines])
    if not (options.data / 'minicity').is_dir():
        print(f'  The miniature world is written by {MAKE_MINIATURE}')

    problems += [problem for report in reports for problem in report.problems]
    _print_section('What is wrong', problems or ['nothing'])
    return 1 if problems else 0


def _print_section(title: str, lines: Iterable[str]) -> None:
    print(f'\n{title}')
    for line in lines:
        print(f'  {line}')


def _usable_cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    for _, _, names in os.walk(folder, followlinks=True):
        for name in names:
            if name.endswith(suffixes):
                yield name


def _count(names: Iterator[str], deadline: float) -> tuple[int, bool]:
    count = 0
    for _ in names:
        count += 1
        if time.monotonic() > deadline:
            return count, False
    return count, True


if __name__ == '__main__':
    raise SystemExit(main())
