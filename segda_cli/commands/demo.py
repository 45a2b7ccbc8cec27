"""Five methods on the miniature world: train, evaluate, compare.

Needs no data and no network. Interrupted, it goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    out = Path('work_dirs/demo')
    parser.add_argument('--out', type=Path, default=out, help='folder (%(default)s)')
    parser.add_argument('--epochs', type=int, help='of every method (1 or 2)')


def job(args: argparse.Namespace) -> int | None:
    from segda_mm.apis.demo import run_demo

    try:
        run_demo(args.out, args.epochs)
    except KeyboardInterrupt:
        print('\nstopped; the same command goes on from here', file=sys.stderr)
        return 130
    return None
