"""Says what works on this machine: ``python -m segda_mm.doctor``.

Prints versions, devices, the data roots below ``data/`` and what is wrong, each fault
with its remedy; exits with status 1 if there is one. Runs without any library.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from segda_mm import __version__
from segda_mm.dependencies import (
    MINIMUM_VERSIONS,
    environment_problems,
    installed_version,
)

MAKE_MINIATURE = (
    'python tools/dataset_converters/make_minicity.py --out data/minicity '
    '--size 256x128'
)

#: Folders of a data root and the files in them. Those with a question mark may be
#: absent: the adaptation itself needs the target's images only.
_GTA5 = ('images/*.png', 'labels/*.png')
_CITYSCAPES = (
    'leftImg8bit/train/*_leftImg8bit.png',
    'leftImg8bit/val/*_leftImg8bit.png',
    'gtFine/val/*_gtFine_labelIds.png',
    '?gtFine/train/*_gtFine_labelIds.png',
    '?leftImg8bit/train_extra/*_leftImg8bit.png',
    '?leftImg8bit_sequence/train/*_leftImg8bit.png',
)

#: The data roots that the configs name, relative to ``data/``.
DATA_ROOTS = {
    'gta5': _GTA5,
    'cityscapes': _CITYSCAPES,
    'camvid': ('images/*', 'labels/*.png'),
    'minicity/gta5': _GTA5,
    'minicity/cityscapes': _CITYSCAPES,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the whole report, and return the exit status."""
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

    problems = environment_problems()
    print(
        f'segda_mm {__version__}, Python {platform.python_version()}, '
        f'{platform.platform()}'
    )
    versions = [
        f'{name:<22}{installed_version(name) or "not installed":<16}'
        f'(at least {minimum})'
        for name, minimum in MINIMUM_VERSIONS.items()
    ]
    _print_section('Versions', versions)
    _print_section('Devices', device_lines())
    data: list[str] = []
    for name, patterns in DATA_ROOTS.items():
        lines, faults = inspect_data_root(options.data / name, patterns)
        data += lines
        problems += faults
    _print_section('Data', data)
    if not (options.data / 'minicity').is_dir():
        print(f'  The miniature world is written by {MAKE_MINIATURE}')
    _print_section('What is wrong', problems or ['nothing'])
    return 1 if problems else 0


def device_lines() -> list[str]:
    """CPU cores, torch's threads and CUDA devices, as far as torch can be imported."""
    lines = [f'CPU   {usable_cores()} cores']
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


def usable_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def inspect_data_root(
    root: Path, patterns: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Count the files of a data root; that it does not exist is no fault.

    Returns:
        Lines to show, and a fault with its remedy for each part without files.
    """
    if not root.is_dir():
        expected = ', '.join(pattern for pattern in patterns if pattern[0] != '?')
        return [f'{root}: not there (expected: {expected})'], []
    lines, faults = [f'{root}:'], []
    for pattern in patterns:
        folder, _, ending = pattern.lstrip('?').rpartition('/*')
        count = sum(
            name.endswith(ending)
            for _, _, names in os.walk(root / folder, followlinks=True)
            for name in names
        )
        if count or pattern[0] != '?':
            lines.append(f'  {folder:<27}{count or "none"}')
        if not count and pattern[0] != '?':
            faults.append(
                f'{root / folder} holds no file {ending and f"ending in {ending}"}; '
                'put them there, or link the folder that has them.'
            )
    return lines, faults


def _print_section(title: str, lines: Iterable[str]) -> None:
    print(f'\n{title}', *lines, sep='\n  ')


if __name__ == '__main__':
    raise SystemExit(main())
