"""Write the pages of results of all experiments, and the list of them.

With --check nothing is written, and the exit code is 1 if a page or a CSV file is not
what its experiment and results give.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--check', action='store_true', help='write nothing, tell what differs'
    )
    parser.add_argument(
        '--experiments', default='experiments', help='their folder (%(default)s)'
    )
    parser.add_argument(
        '--results',
        default='studies/results',
        help='folder of the lines of results (%(default)s)',
    )
    parser.add_argument(
        '--docs', default='docs/results', help='folder of the pages (%(default)s)'
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    os.chdir(ROOT)
    # Heavy imports wait until the arguments are known to be good.
    from studies.experiment_error import ExperimentError
    from studies.pages import differing_files, write_pages

    folders = args.experiments, args.results, args.docs
    try:
        if not args.check:
            print(write_pages(*folders))
            return 0
        different = differing_files(*folders)
    except ExperimentError as error:
        print(f'results_pages.py: {error}', file=sys.stderr)
        return 2
    for file in different:
        print(
            f'{file} is not what its experiment and results give; write it with '
            'python studies/results_pages.py',
            file=sys.stderr,
        )
    return 1 if different else 0


if __name__ == '__main__':
    sys.exit(main())
