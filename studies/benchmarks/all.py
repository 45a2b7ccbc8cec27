"""Run every performance benchmark, one after the other.

Each is a process of its own with the settings below, which end within 20 minutes on two
cores, and appends its line to --out. One that fails is named, the others still run, and
the exit code is 1. `python studies/pages.py` makes the page.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch

FOLDER = Path(__file__).parent
R101 = 'configs/supervised/supervised_bisenetv1-r101_cityscapes-512x1024.py'
METHODS = ('supervised', 'adversarial', 'mpl')


def commands() -> list[list[str]]:
    """Tool and arguments of each, for the device at hand."""
    if torch.cuda.is_available():
        shapes = [('512x1024', '4', '10')]
    else:
        shapes = [('128x256', '4', '5'), ('256x512', '2', '4')]
    steps = [
        f'training_step --method {method} --size {size} --batch-size {batch} '
        f'--repeats {repeats}'
        for size, batch, repeats in shapes
        for method in METHODS
    ]
    others = (
        'labeling --repeats 2',
        'data_loading --repeats 2 --batches 4',
        'inference --repeats 4',
        f'inference {R101} --sizes 512x1024 --repeats 3',
        'panoptic --repeats 8',
        'minicity_speed --repeats 24',
        'scaling --repeats 3',
    )
    return [command.split() for command in (*steps, *others)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--only', nargs='+', metavar='TOOL', help='these, as training_step'
    )
    parser.add_argument(
        '--out', type=Path, default=FOLDER.parent / 'results/performance.jsonl'
    )
    args = parser.parse_args()
    # A line beside a tracked file that the line before has changed would say that the
    # commit was not clean: all are collected first.
    lines = args.out.with_suffix('.running')
    failed = []
    for tool, *words in commands():
        if args.only and tool not in args.only:
            continue
        print(f'== {tool} {" ".join(words)}', flush=True)
        begin = time.monotonic()
        program = [sys.executable, str(FOLDER / f'{tool}.py'), *words]
        done = subprocess.run([*program, '--out', str(lines)])
        print(f'{time.monotonic() - begin:.0f} s', flush=True)
        if done.returncode:
            failed.append(' '.join([tool, *words]))
    if lines.exists():
        with args.out.open('a', encoding='utf-8') as stream:
            stream.write(lines.read_text(encoding='utf-8'))
        lines.unlink()
    for command in failed:
        print(f'failed: {command}', file=sys.stderr)
    return int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
