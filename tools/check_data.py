"""Check every file of the data sets that a config names."""

import argparse
import sys
import time
from collections.abc import Callable

SPLITS = ('train', 'target', 'val', 'test')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Check every image and label file of the data sets that a '
        'config names (missing pairs, unreadable files, sizes that differ, '
        'unknown ids), and show how often each class occurs. Exits with 1 '
        'when there are problems.'
    )
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
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='settings of the config to override',
    )
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
    """Check, print, and return the exit status."""
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import PreflightError, load_config
    from segda_mm.datasets.data_check import (
        check_data,
        format_report,
        write_exclude,
    )

    splits = SPLITS if args.split == 'all' else (args.split,)
    try:
        cfg = load_config(args.config, args.cfg_options)
        reports = check_data(cfg, splits, args.workers, show_progress())
    except (PreflightError, ValueError) as error:
        print(f'check_data.py: {error}', file=sys.stderr)
        return 2
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


if __name__ == '__main__':
    sys.exit(main())
