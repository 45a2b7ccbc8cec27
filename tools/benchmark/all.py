"""Run every performance benchmark and print one table over all.

Each is a process of its own with the settings below, which end within 20 minutes
on two cores, and adds its own row to --out. One that fails is reported, what it
printed stays in a file beside --out, the others still run, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
R101 = 'configs/supervised/supervised_bisenetv1-r101_cityscapes-512x1024.py'


class Benchmark(NamedTuple):
    """A name, the tool of this folder, its arguments, and how long it takes."""

    name: str
    tool: str
    arguments: tuple[str, ...]
    seconds: int


def training_steps(
    size: str, batch_size: int, repeats: int, seconds: Sequence[int]
) -> list[Benchmark]:
    """All methods; the seconds are those of each."""
    arguments = ('--size', size, '--batch-size', str(batch_size))
    return [
        Benchmark(
            f'training_step-{method}-{size}',
            'training_step',
            ('--method', method, *arguments, '--repeats', str(repeats)),
            seconds_of_method,
        )
        for method, seconds_of_method in zip(METHODS, seconds)
    ]


def mixed_precision(method: str, size: str, batch_size: int, seconds: int) -> Benchmark:
    """A step once more; without instructions for bfloat16 it takes long."""
    arguments = ('--size', size, '--batch-size', str(batch_size), '--repeats', '3')
    return Benchmark(
        f'training_step-{method}-{size}-amp',
        'training_step',
        ('--method', method, '--amp', *arguments),
        seconds,
    )


METHODS = ('supervised', 'adversarial', 'mpl')
ON_CPU = [
    *training_steps('128x256', 4, 5, (25, 40, 75)),
    *training_steps('256x512', 2, 4, (30, 55, 115)),
    mixed_precision('supervised', '128x256', 4, 85),
]
ON_CUDA = [
    *training_steps('512x1024', 4, 10, (20, 30, 50)),
    mixed_precision('mpl', '512x1024', 4, 50),
]
ON_BOTH = [
    Benchmark('class_thresholds', 'class_thresholds', ('--repeats', '10'), 25),
    Benchmark('labeling', 'labeling', ('--images', '2'), 130),
    Benchmark('data_loading', 'data_loading', ('--repeats', '2', '--batches', '4'), 30),
    Benchmark('inference-r18', 'inference', ('--repeats', '4'), 95),
    Benchmark(
        'inference-r101',
        'inference',
        (R101, '--sizes', '512x1024', '--repeats', '3'),
        180,
    ),
    Benchmark(
        'panoptic_post_processing', 'panoptic_post_processing', ('--repeats', '8'), 55
    ),
    Benchmark('panoptic_evaluation', 'panoptic_evaluation', ('--repeats', '3'), 25),
    Benchmark('minicity_speed', 'minicity_speed', ('--repeats', '3'), 20),
    Benchmark('scaling', 'scaling', ('--repeats', '3'), 115),
]


def parse_args() -> argparse.Namespace:
    names = [benchmark.name for benchmark in (*ON_CPU, *ON_CUDA, *ON_BOTH)]
    tools = dict.fromkeys(benchmark.tool for benchmark in (*ON_CPU, *ON_BOTH))
    choices = dict.fromkeys((*tools, *names))
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f'names: {", ".join(choices)}',
    )
    parser.add_argument(
        '--out',
        default='benchmarks/results/performance.jsonl',
        help='results file to append the lines to (default: %(default)s)',
    )
    for flag, what in (('--only', 'these alone'), ('--skip', 'all but these')):
        parser.add_argument(
            flag, nargs='+', choices=choices, default=[], metavar='NAME', help=what
        )
    return parser.parse_args()


def chosen(
    benchmarks: Sequence[Benchmark], only: Sequence[str], skip: Sequence[str]
) -> list[Benchmark]:
    """The benchmarks to run; a name is that of a benchmark or of its tool."""
    return [
        benchmark
        for benchmark in benchmarks
        if (not only or {benchmark.name, benchmark.tool} & set(only))
        and not {benchmark.name, benchmark.tool} & set(skip)
    ]


def run(benchmark: Benchmark, out: Path) -> str | None:
    """Run one; why it failed, None if it did not."""
    log = out.with_name(f'{out.stem}-{benchmark.name}.txt')
    size = out.stat().st_size if out.exists() else 0
    tool = FOLDER / f'{benchmark.tool}.py'
    command = [sys.executable, str(tool), *benchmark.arguments, '--out', str(out)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w', encoding='utf-8') as stream:
        code = subprocess.run(command, stdout=stream, stderr=stream).returncode
    if code:
        printed = log.read_text(encoding='utf-8', errors='replace').splitlines()
        reason = f'it ended with {code}: {printed[-1] if printed else "silently"}'
        return f'{reason}\n    all that it printed: {log}'
    log.unlink()
    if not out.exists() or out.stat().st_size == size:
        return f'it wrote no row to {out}'
    return None


def run_all(benchmarks: Sequence[Benchmark], out: Path) -> list[str]:
    """Run one after the other; the names of those that failed."""
    failed = []
    expected = sum(benchmark.seconds for benchmark in benchmarks)
    print(
        f'{len(benchmarks)} benchmarks, about {expected / 60:.0f} minutes on two cores'
    )
    for number, benchmark in enumerate(benchmarks, 1):
        print(
            f'[{number}/{len(benchmarks)}] {benchmark.name}, about '
            f'{benchmark.seconds} s: ',
            end='',
            flush=True,
        )
        begin = time.monotonic()
        reason = run(benchmark, out)
        seconds = time.monotonic() - begin
        if reason is None:
            print(f'{seconds:.0f} s', flush=True)
        else:
            failed.append(benchmark.name)
            print(f'FAILED after {seconds:.0f} s; {reason}', flush=True)
    return failed


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    import torch

    from segda_mm.apis.performance_table import performance_table
    from segda_mm.apis.results_file import append_row, read_rows

    on_device = ON_CUDA if torch.cuda.is_available() else ON_CPU
    benchmarks = chosen([*on_device, *ON_BOTH], args.only, args.skip)
    if not benchmarks:
        sys.exit('all: --only and --skip leave nothing to run on this machine')
    # A row beside a tracked file that the row before has changed would say that the
    # commit was not clean. Rows of a run that was killed are taken along.
    out = Path(args.out)
    running = out.with_name(f'{out.stem}-running.jsonl')
    try:
        failed = run_all(benchmarks, running)
    finally:
        rows = read_rows(running)
        for row in rows:
            append_row(out, row)
        running.unlink(missing_ok=True)
    print()
    print(performance_table(rows))
    if failed:
        print(f'\n{len(failed)} of {len(benchmarks)} failed: {", ".join(failed)}')
    return int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
