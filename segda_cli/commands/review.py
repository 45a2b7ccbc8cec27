"""Step through pseudo labels on a local page, and reject some of them.

Rejected frames are not learned from: data sets read the list that is written beside
the labels. The page is open to this machine only; Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import contextlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'labels',
        help='folder that `segda label` wrote (of videos: OUT/labels), or '
        '<run>/pseudo_labels/epoch_0 of a training',
    )
    parser.add_argument(
        '--against',
        metavar='LABELS',
        help='other labels of the same images, shown beside them',
    )
    parser.add_argument(
        '--images', metavar='DIR', help='where the images are now, if they moved'
    )
    port = 'of the page; 0 takes a free one (%(default)s)'
    parser.add_argument('--port', type=int, default=8265, help=port)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import review

    def told(address: str) -> None:
        print(f'review {args.labels} at {address} (Ctrl-C ends it)', flush=True)

    with contextlib.suppress(KeyboardInterrupt):
        review(args.labels, args.against, args.images, args.port, told)
