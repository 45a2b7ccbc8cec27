"""Write a picture of the miniature world: both looks beside their labels.

A row is: game picture, its labels, real picture, its labels.
``docs/images/minicity.png`` was made by running this without arguments.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from segda_mm.minicity import render_frame
from segda_mm.minicity.labels import PALETTE
from segda_mm.minicity.output import write_png

SIZE = (512, 256)
GAP = 6


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('docs/images/minicity.png'),
        help='file to write (default: %(default)s)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the world (default: %(default)s)'
    )
    parser.add_argument(
        '--rows',
        type=int,
        nargs='+',
        default=[0, 0, 9, 9, 13, 4],
        metavar='INDEX',
        help='a GTA5 image and a Cityscapes training image for each row, from 0 '
        '(default: %(default)s)',
    )
    return parser.parse_args()


def join(pictures: list[np.ndarray], axis: int) -> np.ndarray:
    """Put pictures (H, W, 3) side by side or below each other, with white gaps."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis)


def main() -> None:
    """Draw the picture."""
    args = parse_args()
    rows = []
    for pair in zip(args.rows[::2], args.rows[1::2], strict=True):
        cells = []
        for look, stream, index in zip(('game', 'real'), ('gta5', 'train'), pair):
            frame = render_frame(look, args.seed, index, SIZE, stream)
            cells += [frame.image, PALETTE[frame.label_ids]]
        rows.append(join(cells, axis=1))
    write_png(args.out, join(rows, axis=0))
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
