"""Five methods on the miniature world: train, evaluate, compare.

Needs no data and no network. Interrupted, it goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from segda_cli import arguments

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument(
        '--out',
        type=Path,
        default=ROOT / 'work_dirs' / 'demo',
        help='folder for checkpoints, table and picture (work_dirs/demo)',
    )
    parser.add_argument(
        '--epochs',
        type=int,
        help='train every method this long (2 or 3; the configs have 8)',
    )
    args = parser.parse_args()
    args.out = args.out.resolve()
    # The configs name their data relative to the repository.
    os.chdir(ROOT)
    # Unwinds the stack, so that a running training is stopped with the demo.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
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
