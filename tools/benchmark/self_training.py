"""Carry out a plan with several seeds and record what every round reached.

One JSON line a round goes to ``--out``: the figures of its network and of the
pseudo labels that it was trained on. A seed that stands there is not run again, and
a plan that was cut goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from segda_mm.apis.results_file import append_row, provenance, read_rows

ROOT = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('plan', help='plan file, relative to the project')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--name', help='of the method (name of the plan)')
    parser.add_argument(
        '--teacher',
        metavar='CHECKPOINT',
        help='a trained teacher, of which no line is written; {seed} stands for the '
        'number of the seed',
    )
    parser.add_argument(
        '--out', required=True, help='file under benchmarks/results/ to append to'
    )
    parser.add_argument('--work-dir', default='work_dirs/self_training')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override entries of the plan',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.chdir(ROOT)
    name = args.name or Path(args.plan).stem
    for seed in args.seeds:
        done = {(row['plan'], row['seed']) for row in read_rows(args.out)}
        if (name, seed) in done:
            continue
        origin = provenance()
        options = [f'seed={seed}', *args.cfg_options]
        if args.teacher is not None:
            options.append(f'teacher.checkpoint={args.teacher.format(seed=seed)}')
        folder = Path(args.work_dir, name, f'seed{seed}')
        minutes = carry_out(args.plan, folder, options)
        report = json.loads((folder / 'report.json').read_text())
        for entry in report['rounds']:
            if args.teacher is not None and not entry['round']:
                continue
            row = dict(
                method=method_name(name, entry['round']),
                seed=seed,
                metrics=entry['metrics'],
                labels={
                    made['set']: dict(labeled=made['labeled'], quality=made['quality'])
                    for made in report['labels']
                    if made['round'] == entry['round']
                },
                num_images=entry['num_images'],
                plan=name,
                plan_minutes=round(minutes, 1),
                checkpoint='last',
                config=args.plan,
                options=options,
                **origin,
            )
            append_row(args.out, row)
            print(row['method'], seed, row['metrics'], flush=True)


def carry_out(plan: str, folder: Path, options: list[str]) -> float:
    """Run a plan to its end; returns the minutes that this call took."""
    command = [sys.executable, 'tools/self_train.py', plan, '--work-dir', str(folder)]
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    with (folder / 'output.txt').open('a') as stream:
        subprocess.run(
            [*command, '--cfg-options', *options],
            check=True,
            stdout=stream,
            stderr=stream,
        )
    return (time.perf_counter() - begin) / 60


def method_name(plan: str, number: int) -> str:
    """What a line of the table is called."""
    return f'{plan}, round {number}' if number else f'{plan}, supervised'


if __name__ == '__main__':
    main()
