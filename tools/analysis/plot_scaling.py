"""Draw the newest row of tools/benchmark/scaling.py in a results file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('file', type=Path, help='benchmarks/results/<name>.jsonl')
    parser.add_argument('out', type=Path, help='picture to write')
    args = parser.parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.apis.results_file import read_rows
    from segda_mm.visualization import save_scaling_figure

    rows = [row for row in read_rows(args.file) if row.get('benchmark') == 'scaling']
    if not rows:
        sys.exit(
            f'plot_scaling: {args.file} has no row of the benchmark scaling; write one '
            f'with `python tools/benchmark/scaling.py --out {args.file}`'
        )
    save_scaling_figure(rows[-1]['panels'], args.out)


if __name__ == '__main__':
    main()
