"""Draw the newest row of studies/benchmarks/scaling.py in a results file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('file', type=Path, help='studies/results/<name>.jsonl')
    parser.add_argument('out', type=Path, help='picture to write')
    args = parser.parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from studies.results_file import read_rows
    from studies.scaling_figure import save_scaling_figure

    rows = [row for row in read_rows(args.file) if row.get('benchmark') == 'scaling']
    if not rows:
        sys.exit(
            f'plot_scaling: {args.file} has no row of the benchmark scaling; write one '
            f'with `python studies/benchmarks/scaling.py --out {args.file}`'
        )
    save_scaling_figure(rows[-1]['panels'], args.out)


if __name__ == '__main__':
    main()
