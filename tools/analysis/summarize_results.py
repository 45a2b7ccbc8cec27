"""Print the mean and spread over seeds of the runs in a results file.

With --into it writes them into a page instead: the table of FILE stands between the
lines <!-- results of FILE: begin --> and <!-- results of FILE: end -->. All such
blocks of the page are written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('file', nargs='?', help='benchmarks/results/<name>.jsonl')
    what.add_argument(
        '--into', type=Path, metavar='PAGE', help='Markdown file with the markers'
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='with --into: write nothing; code 1 if the page would change',
    )
    args = parser.parse_args()
    if args.check and not args.into:
        parser.error('--check needs --into PAGE, the page to be checked')
    return args


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.apis.results_table import fill_results, table_of_file
    from segda_mm.files import write_text

    try:
        if args.file:
            print(table_of_file(args.file))
            return
        page = args.into.read_text(encoding='utf-8')
        filled = fill_results(page)
    except (OSError, ValueError) as error:
        place = f'{args.into}: ' if args.into else ''
        sys.exit(f'summarize_results: {place}{error}')
    if filled == page:
        return
    if args.check:
        sys.exit(
            f'summarize_results: {args.into} is not what its results files give; '
            f'write it with python {sys.argv[0]} --into {args.into}'
        )
    write_text(args.into, filled)


if __name__ == '__main__':
    main()
