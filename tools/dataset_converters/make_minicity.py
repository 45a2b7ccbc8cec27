"""Write the built-in miniature world as GTA5 and Cityscapes trees.

``OUT/gta5`` holds the game look, ``OUT/cityscapes`` the real look. A run that
was interrupted continues when it is started again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path


def picture_size(text: str) -> tuple[int, int]:
    """'256x128' -> (256, 128)."""
    try:
        width, height = (int(side) for side in text.lower().split('x'))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a size; write it as WIDTHxHEIGHT, such as 256x128'
        ) from None
    return width, height


#: What is written: option, frames by default, and what they are.
COUNTS = (
    ('--gta5', 200, 'GTA5 images'),
    ('--train', 200, 'Cityscapes training images'),
    ('--val', 60, 'Cityscapes validation images'),
    ('--train-extra', 0, 'Cityscapes extra images'),
    ('--sequence-train', 0, 'training images with their snippet of 30 frames'),
    ('--sequence-val', 0, 'validation images with their snippet'),
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('data/minicity'),
        help='folder to write to (default: %(default)s)',
    )
    for option, what in (
        ('--size', 'size of all pictures, 128x64 to 2048x1024 (default: 256x128)'),
        ('--gta5-size', 'size of the GTA5 pictures, if another'),
        ('--cityscapes-size', 'size of the Cityscapes pictures, if another'),
    ):
        parser.add_argument(option, type=picture_size, metavar='WxH', help=what)
    parser.set_defaults(size=(256, 128))
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the world (default: %(default)s)'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count(),
        help='processes (default: one per core)',
    )
    for option, count, what in COUNTS:
        text = f'{what} (default: %(default)s)'
        parser.add_argument(option, type=int, default=count, metavar='N', help=text)
    return parser.parse_args()


def progress_line(name: str) -> Callable[[int, int], None]:
    """A progress callback that keeps one line of stderr up to date."""

    def show(done: int, total: int) -> None:
        # A log file gets ten lines instead of one that is overwritten.
        if sys.stderr.isatty():
            end = '\n' if done == total else ''
            print(
                f'\r{name}: {done}/{total} frames', end=end, file=sys.stderr, flush=True
            )
        elif done == total or done % max(1, total // 10) == 0:
            print(f'{name}: {done}/{total} frames', file=sys.stderr, flush=True)

    return show


def main() -> None:
    """Write both trees."""
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.minicity import write_cityscapes, write_gta5

    try:
        write_gta5(
            args.out / 'gta5',
            args.gta5,
            args.seed,
            args.gta5_size or args.size,
            args.workers,
            progress_line('gta5'),
        )
        write_cityscapes(
            args.out / 'cityscapes',
            args.train,
            args.val,
            train_extra=args.train_extra,
            sequence_train=args.sequence_train,
            sequence_val=args.sequence_val,
            seed=args.seed,
            size=args.cityscapes_size or args.size,
            workers=args.workers,
            progress=progress_line('cityscapes'),
        )
    except ValueError as error:
        sys.exit(f'make_minicity: {error}')


if __name__ == '__main__':
    main()
