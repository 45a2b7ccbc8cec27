"""Five methods on the miniature world: train, evaluate, compare.

Needs no data and no network. Interrupted, it goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from segda_cli import arguments

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = arguments.make_parser(__doc__)
    out = ROOT / 'work_dirs' / 'demo'
    parser.add_argument('--out', type=Path, default=out, help='folder (work_dirs/demo)')
    parser.add_argument('--epochs', type=int, help='of every method (2 or 3)')
    args = parser.parse_args()
    args.out = args.out.resolve()
    # The configs name their data relative to the repository.
    os.chdir(ROOT)
    try:
        return arguments.run(args, job)
    except KeyboardInterrupt:
        print('\nstopped; the same command goes on from here', file=sys.stderr)
        return 130


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis.demo import run_demo

    run_demo(args.out, args.epochs)


if __name__ == '__main__':
    sys.exit(main())
