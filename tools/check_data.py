"""Check every image and label file of the data sets that a config names.

Looks for missing pairs, unreadable files, sizes that differ and unknown ids, and
shows how often each class occurs. Exits with 1 when there are problems.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from segda_cli import arguments

SPLITS = ('train', 'target', 'val', 'test')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--split',
        choices=(*SPLITS, 'all'),
        default='all',
        help='which data sets: to train on, the unlabelled target, to '
        'validate or to test on (default: all)',
    )
    parser.add_argument(
        '--write-exclude',
        metavar='FILE',
        help='write the names of the samples with problems to FILE, for '
        'exclude= of the data set',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=2,
        help='processes to use; 0 is none but this one (default: 2)',
    )
    arguments.add_cfg_options(parser, 'train_dataloader.dataset.data_root=data/x')
    return parser.parse_args()


def show_progress() -> Callable[[str, int, int], None]:
    """Make a function that writes a line now and then while files are read."""
    last = time.monotonic()

    def progress(key: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 2:
            last = time.monotonic()
            print(f'{key}: {done}/{total}', file=sys.stderr, flush=True)

    return progress


def main() -> int:
    args = parse_args()

    def job() -> int:
        from segda_mm.apis import load_config
        from segda_mm.datasets.data_check import (
            check_data,
            format_report,
            write_exclude,
        )

        splits = SPLITS if args.split == 'all' else (args.split,)
        cfg = load_config(args.config, args.cfg_options)
        reports = check_data(cfg, splits, args.workers, show_progress())
        for report in reports:
            print(format_report(report), end='\n\n')
        if args.write_exclude:
            count = write_exclude(args.write_exclude, reports)
            print(
                f'{args.write_exclude} names {count} images; set exclude= of the '
                'data set to it'
            )
        problems = sum(len(report.problems) for report in reports)
        print(f'{problems} problems in {len(reports)} data sets')
        return 1 if problems else 0

    return arguments.run(args, job, refused=(ValueError,))


if __name__ == '__main__':
    sys.exit(main())
