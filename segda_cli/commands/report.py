"""Write the report of a run, or of several beside each other, as one HTML file."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    runs = 'run folders, or a folder that holds some'
    parser.add_argument('runs', nargs='+', metavar='RUN', help=runs)
    parser.add_argument(
        '--out', metavar='HTML', help='the page (report.html in the first folder)'
    )
    parser.add_argument(
        '--frames',
        type=int,
        default=4,
        help='frames of the target to predict on; 0: none (%(default)s)',
    )
    parser.add_argument('--device', help='as cpu or cuda:1 (a GPU, if there is one)')


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import report

    out = report(args.runs, args.out, frames=args.frames, device=args.device)
    print(f'the report is in {out}')
