"""Says what works on this machine: ``segda doctor``, ``python -m segda_mm.doctor``.

Exits with status 1 if something is wrong. Runs without any library.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from segda_mm import __version__
from segda_mm.dependencies import (
    MINIMUM_VERSIONS,
    environment_problems,
    installed_version,
)

MAKE_MINIATURE = 'segda minicity --out data/minicity --size 256x128'

#: Folders of a data root and the files in them. Those with a question mark may be
#: absent: the adaptation itself needs the target's images only.
_GTA5 = ('images/*.png', 'labels/*.png')
_CITYSCAPES = (
    'leftImg8bit/train/*/*_leftImg8bit.png',
    'leftImg8bit/val/*/*_leftImg8bit.png',
    'gtFine/val/*/*_gtFine_labelIds.png',
    '?gtFine/train/*/*_gtFine_labelIds.png',
    '?leftImg8bit/train_extra/*/*_leftImg8bit.png',
    '?leftImg8bit_sequence/train/*/*_leftImg8bit.png',
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
    """Parse a command line, print the whole report, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m segda_mm.doctor', description='Say what works on this machine.'
    )
    parser.add_argument(
        '--data', type=Path, default='data', help='folder of the data roots'
    )
    return report(parser.parse_args(arguments).data)


def report(data_folder: Path) -> int:
    """Print what works with the data roots of a folder, and return the exit status."""
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
    data: list[str] = []
    for name, patterns in DATA_ROOTS.items():
        lines, faults = inspect_data_root(data_folder / name, patterns)
        data += lines
        problems += faults
    if not (data_folder / 'minicity').is_dir():
        data.append(f'The miniature world is written by {MAKE_MINIATURE}')
    print('\nVersions', *versions, '\nDevices', *_device_lines(), sep='\n  ')
    print('\nData', *data, sep='\n  ')
    print('\nWhat is wrong', *(problems or ['nothing']), sep='\n  ')
    return 1 if problems else 0


def _device_lines() -> list[str]:
    lines = [f'CPU   {usable_cores()} cores']
    torch = sys.modules.get('torch')
    if torch is None:
        return [*lines, 'CUDA  unknown without torch']
    lines[0] += f', torch computes on {torch.get_num_threads()} threads'
    if not torch.cuda.is_available():
        return [*lines, 'CUDA  no device; everything runs on the CPU']
    devices = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return lines + [
        f'CUDA  device {index}: {device.name}, {device.total_memory / 2**30:.0f} GiB'
        for index, device in enumerate(devices)
    ]


def usable_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def inspect_data_root(
    root: Path, patterns: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Lines on the files of a data root, and on each part of it without files."""
    if not root.is_dir():
        expected = ', '.join(pattern for pattern in patterns if pattern[0] != '?')
        return [f'{root}: not there (expected: {expected})'], []
    lines, faults = [f'{root}:'], []
    for pattern in patterns:
        wanted = pattern.lstrip('?')
        count = sum(1 for _ in root.glob(wanted))
        if count or pattern == wanted:
            lines.append(f'  {wanted:<52}{count or "none"}')
        if not count and pattern == wanted:
            faults.append(
                f'There is no {root / wanted}; put the files there, or link the folder '
                'that has them.'
            )
    return lines, faults


if __name__ == '__main__':
    raise SystemExit(main())
