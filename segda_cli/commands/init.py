"""Write the config of your own data, from the folders that it lies in.

`segda init my.py --source images masks --target drive.mp4 frames/` looks at masks for
the classes and at images for the size. Then name the classes in my.py.
"""

from __future__ import annotations

import argparse

from segda_cli import arguments

PAIR = ('IMAGES', 'MASKS')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file to write')
    source = 'labelled images, and their masks (streets that are drawn)'
    parser.add_argument('--source', nargs=2, metavar=PAIR, help=source)
    target = 'footage without labels: folders, "globs", lists, videos'
    parser.add_argument(
        '--target', nargs='+', required=True, metavar='PLACE', help=target
    )
    val = 'labelled images of the target, to judge by'
    parser.add_argument('--val', nargs=2, metavar=PAIR, help=val)
    arguments.add_trained_network(parser)
    parser.add_argument(
        '--epochs', type=int, default=20, help='of each step (%(default)s)'
    )


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis.own.files import write_own_config

    text = write_own_config(
        args.config,
        args.target,
        args.source,
        args.val,
        args.recipe,
        args.epochs,
        args.init,
        args.network,
    )
    print(text)
    print(f'Written to {args.config}. Then: segda check {args.config}')
