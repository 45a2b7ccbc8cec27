"""Train a config with several seeds and record every evaluation.

One JSON line an evaluation goes to ``--out``; a seed that stands there is not
run again, and a training that was cut goes on where it was.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from segda_mm.apis.measured_run import train_and_test
from segda_mm.apis.results_file import append_row, provenance, read_rows

ROOT = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file, relative to the project')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--name', help='of the method (name of the config)')
    parser.add_argument(
        '--tta', action='store_true', help='evaluate with --tta as well'
    )
    parser.add_argument(
        '--out', required=True, help='file under benchmarks/results/ to append to'
    )
    parser.add_argument('--work-dir', default='work_dirs/seeds')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override config entries of the training',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.chdir(ROOT)
    method = args.name or Path(args.config).stem
    flags = [(), ('--tta',)] if args.tta else [()]
    for seed in args.seeds:
        done = {(row['method'], row['seed']) for row in read_rows(args.out)}
        if (method, seed) in done:
            continue
        origin = provenance()
        options = [f'randomness.seed={seed}', *args.cfg_options]
        folder = Path(args.work_dir, method, f'seed{seed}')
        reports = train_and_test(args.config, folder, options, flags)
        for report in reports:
            name = f'{method} + TTA' if report['tta'] else method
            row = dict(
                method=name,
                seed=seed,
                metrics=report['metrics'],
                train_minutes=report['train_minutes'],
                num_images=report['num_images'],
                checkpoint='last',
                config=args.config,
                options=options,
                **origin,
            )
            append_row(args.out, row)
            print(name, seed, report['metrics'], flush=True)


if __name__ == '__main__':
    main()
