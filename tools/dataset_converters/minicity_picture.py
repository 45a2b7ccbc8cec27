"""Write a picture of the miniature world: both looks beside their labels.

``docs/images/minicity.png`` was made by running this without arguments.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from segda_mm.minicity import contact_sheet
from segda_mm.minicity.output import write_png


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
        '--game',
        type=int,
        nargs='+',
        default=[0, 9, 13],
        metavar='INDEX',
        help='GTA5 images, 0 is 00001.png (default: %(default)s)',
    )
    parser.add_argument(
        '--real',
        type=int,
        nargs='+',
        default=[0, 9, 4],
        metavar='INDEX',
        help='Cityscapes training images, as many (default: %(default)s)',
    )
    return parser.parse_args()


def main() -> None:
    """Draw the picture."""
    args = parse_args()
    try:
        sheet = contact_sheet(args.game, args.real, args.seed)
    except ValueError as error:
        sys.exit(f'minicity_picture: {error}')
    write_png(args.out, sheet)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
