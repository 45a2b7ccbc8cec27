"""Write the built-in miniature world as GTA5 and Cityscapes trees.

``OUT/gta5`` holds the game look, ``OUT/cityscapes`` the real look. A run that
was interrupted continues when it is started again.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from segda_cli import arguments

#: What is written: option, frames by default, and what they are.
COUNTS = (
    ('--gta5', 200, 'GTA5 images'),
    ('--train', 200, 'Cityscapes training images'),
    ('--val', 60, 'Cityscapes validation images'),
    ('--train-extra', 0, 'Cityscapes extra images'),
    ('--sequence-train', 0, 'training images with their snippet of 30 frames'),
    ('--sequence-val', 0, 'validation images with their snippet'),
)


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('data/minicity'),
        help='folder to write to (%(default)s)',
    )
    parser.add_argument(
        '--size',
        type=arguments.size,
        default=(256, 128),
        metavar='WxH',
        help='of all pictures, 128x64 to 2048x1024 (256x128)',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the world (0)')
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count(), help='processes (one per core)'
    )
    for option, count, what in COUNTS:
        text = f'{what} (%(default)s)'
        parser.add_argument(option, type=int, default=count, metavar='N', help=text)
    return arguments.run(parser.parse_args(), job, refused=(ValueError,))


def job(args: argparse.Namespace) -> None:
    from segda_mm.minicity import write_cityscapes, write_gta5

    show = arguments.progress_printer()
    write_gta5(
        args.out / 'gta5',
        args.gta5,
        args.seed,
        args.size,
        args.workers,
        partial(show, 'gta5'),
    )
    write_cityscapes(
        args.out / 'cityscapes',
        args.train,
        args.val,
        train_extra=args.train_extra,
        sequence_train=args.sequence_train,
        sequence_val=args.sequence_val,
        seed=args.seed,
        size=args.size,
        workers=args.workers,
        progress=partial(show, 'cityscapes'),
    )


if __name__ == '__main__':
    sys.exit(main())
