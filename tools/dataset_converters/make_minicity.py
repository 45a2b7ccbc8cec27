"""Write the built-in miniature world as GTA5 and Cityscapes trees.

``OUT/gta5`` holds the game look, ``OUT/cityscapes`` the real look. A run that
was interrupted continues when it is started again.
"""

import argparse
import os
import sys
from pathlib import Path


def picture_size(text):
    """'256x128' -> (256, 128)."""
    try:
        width, height = (int(side) for side in text.lower().split('x'))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a size; write it as WIDTHxHEIGHT, such as 256x128'
        ) from None
    return width, height


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('data/minicity'),
        help='folder to write to (default: %(default)s)',
    )
    parser.add_argument(
        '--size',
        type=picture_size,
        default=(256, 128),
        metavar='WxH',
        help='size of all pictures, 128x64 to 2048x1024 (default: 256x128)',
    )
    parser.add_argument(
        '--gta5-size',
        type=picture_size,
        metavar='WxH',
        help='size of the GTA5 pictures, if another',
    )
    parser.add_argument(
        '--cityscapes-size',
        type=picture_size,
        metavar='WxH',
        help='size of the Cityscapes pictures, if another',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the world (default: %(default)s)'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count(),
        help='processes (default: one per core)',
    )
    parser.add_argument(
        '--gta5',
        type=int,
        default=200,
        metavar='N',
        help='GTA5 images (default: %(default)s)',
    )
    parser.add_argument(
        '--train',
        type=int,
        default=200,
        metavar='N',
        help='Cityscapes training images (default: %(default)s)',
    )
    parser.add_argument(
        '--val',
        type=int,
        default=60,
        metavar='N',
        help='Cityscapes validation images (default: %(default)s)',
    )
    parser.add_argument(
        '--train-extra',
        type=int,
        default=0,
        metavar='N',
        help='Cityscapes extra images (default: %(default)s)',
    )
    parser.add_argument(
        '--sequence-train',
        type=int,
        default=0,
        metavar='N',
        help='training images with their snippet of 30 frames (default: %(default)s)',
    )
    parser.add_argument(
        '--sequence-val',
        type=int,
        default=0,
        metavar='N',
        help='validation images with their snippet (default: %(default)s)',
    )
    return parser.parse_args()


def progress_line(name):
    """A progress callback that keeps one line of stderr up to date."""

    def show(done, total):
        # A log file gets ten lines instead of one that is overwritten.
        if sys.stderr.isatty():
            end = '\n' if done == total else ''
            print(
                f'\r{name}: {done}/{total} frames', end=end, file=sys.stderr, flush=True
            )
        elif done == total or done % max(1, total // 10) == 0:
            print(f'{name}: {done}/{total} frames', file=sys.stderr, flush=True)

    return show


def main():
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
