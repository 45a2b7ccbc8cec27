"""Write the lists of the images that the paper's experiments use."""

from __future__ import annotations

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw, by seed, the images of GTA5 and Cityscapes to train '
        'and test on, and write their names to list files for subset= of the '
        'data sets. subset=dict(size=..., seed=...) draws the same without '
        'a file.'
    )
    parser.add_argument(
        '--gta5', metavar='FOLDER', help='root of GTA5, with images/ and labels/'
    )
    parser.add_argument(
        '--cityscapes',
        metavar='FOLDER',
        help='root of Cityscapes, with leftImg8bit/ and gtFine/',
    )
    parser.add_argument(
        '--exclude',
        metavar='FILE',
        help='list of images never to draw '
        '(tools/check_data.py --write-exclude makes it)',
    )
    parser.add_argument(
        '--out',
        default='data/subsets',
        metavar='FOLDER',
        help='where to write (default: data/subsets)',
    )
    parser.add_argument('--seed', type=int, default=0)
    for option, count, what in (
        ('--gta5-train', 500, 'images of GTA5'),
        ('--cityscapes-train', 500, 'images of Cityscapes train'),
        ('--cityscapes-val', 250, 'images of Cityscapes val'),
    ):
        text = f'{what} (default: {count})'
        parser.add_argument(option, type=int, default=count, metavar='N', help=text)
    args = parser.parse_args()
    if args.gta5 is None and args.cityscapes is None:
        parser.error('give --gta5, --cityscapes or both')
    return args


def main() -> int:
    """Write the lists and return the exit status."""
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.datasets.paper_subsets import PAPER_SIZES, write_paper_subsets
    from segda_mm.errors import DataError, MissingDataError

    sizes = {key: getattr(args, key) for key in PAPER_SIZES}
    try:
        written = write_paper_subsets(
            args.out,
            gta5=args.gta5,
            cityscapes=args.cityscapes,
            seed=args.seed,
            sizes=sizes,
            exclude=args.exclude,
        )
    except (DataError, MissingDataError) as error:
        print(f'make_subsets.py: {error}', file=sys.stderr)
        return 2
    for path in written:
        print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
