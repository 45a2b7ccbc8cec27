"""Print the table of measured speed of a results file, as Markdown.

The newest measurement of every path stands in it, a table for each machine and
device. With --into it replaces what stands between the markers of a page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'files',
        nargs='*',
        default=['benchmarks/results/performance.jsonl'],
        help='what tools/benchmark/all.py has written (default: %(default)s)',
    )
    parser.add_argument(
        '--into', type=Path, metavar='PAGE', help='Markdown file with both markers'
    )
    args = parser.parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.apis.page_blocks import fill_block
    from segda_mm.apis.performance_table import LABEL, performance_table
    from segda_mm.apis.results_file import read_rows
    from segda_mm.files import write_text

    rows = [row for file in args.files for row in read_rows(file)]
    if not rows:
        sys.exit(
            f'performance_table: there is no result in {", ".join(args.files)}; '
            'measure with `python tools/benchmark/all.py`'
        )
    table = performance_table(rows)
    print(table)
    if args.into:
        try:
            page = fill_block(args.into.read_text(encoding='utf-8'), LABEL, table)
        except (OSError, ValueError) as error:
            sys.exit(f'performance_table: {args.into}: {error}')
        write_text(args.into, page)


if __name__ == '__main__':
    main()
