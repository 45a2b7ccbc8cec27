"""Say what works on this machine: versions, devices, data found, and what is wrong.

Exits with 1 if something is wrong. Runs without any library.
"""

from __future__ import annotations

import argparse
from pathlib import Path

NEEDS_LIBRARIES = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = 'folder of the data roots (%(default)s)'
    parser.add_argument('--data', type=Path, default='data', help=data)


def job(args: argparse.Namespace) -> int:
    from segda_mm.doctor import report

    return report(args.data)
