"""Write the built-in miniature world as GTA5 and Cityscapes trees.

``OUT/gta5`` holds the game look, or with ``--varied`` many looks; ``OUT/cityscapes``
holds the real look. A run that was interrupted continues when it is started again.
"""

from __future__ import annotations

import argparse
import os
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

REFUSED = (ValueError,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--out', type=Path, default='data/minicity', help='folder (%(default)s)')
    size = 'of all pictures, 128x64 to 2048x1024 (%(default)s)'
    add('--size', type=arguments.size, default='256x128', metavar='WxH', help=size)
    add('--seed', type=int, default=0, help='of the world (%(default)s)')
    add('--workers', type=int, default=os.cpu_count(), help='processes (%(default)s)')
    varied = 'GTA5 images of which every street has a look of its own'
    add('--varied', action='store_true', help=varied)
    for option, count, what in COUNTS:
        add(option, type=int, default=count, metavar='N', help=f'{what} (%(default)s)')


def job(args: argparse.Namespace) -> None:
    from segda_mm.minicity import write_cityscapes, write_gta5

    show = arguments.progress_printer()
    world = dict(seed=args.seed, size=args.size, workers=args.workers)
    write_gta5(
        args.out / 'gta5',
        args.gta5,
        progress=partial(show, 'gta5'),
        varied=args.varied,
        **world,
    )
    write_cityscapes(
        args.out / 'cityscapes',
        args.train,
        args.val,
        train_extra=args.train_extra,
        sequence_train=args.sequence_train,
        sequence_val=args.sequence_val,
        progress=partial(show, 'cityscapes'),
        **world,
    )
