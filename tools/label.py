"""Label images or videos with a trained network, for another one to learn from.

Writes 8-bit PNGs of train ids, or of a panoptic model 16-bit PNGs of Cityscapes'
instance ids, and a manifest. Stopped and started again, it goes on where it was.
Several processes share the images:
torchrun --nproc_per_node=N tools/label.py ... --launcher pytorch
"""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of the config')
    parser.add_argument(
        '--images',
        nargs='+',
        required=True,
        metavar='PATH',
        help='a folder, a glob pattern in quotes, a .txt with one path a line, '
        'image files, or video files',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='DIR',
        help='where the labels go, each under the path of its image; with videos, '
        'frames go to DIR/frames and labels to DIR/labels',
    )
    parser.add_argument(
        '--no-tta',
        dest='tta',
        action='store_false',
        help="label the images as they are, without the config's scales and flips",
    )
    parser.add_argument(
        '--thresholds',
        choices=['image', 'dataset'],
        help='make pixels void that are less confident than the median of their '
        'class in the image, or in all images',
    )
    parser.add_argument(
        '--cap', type=float, default=0.9, help='highest threshold (%(default)s)'
    )
    parser.add_argument(
        '--ego-car',
        metavar='DIR',
        help="make the own car void, as it is marked in Cityscapes' label files in "
        'this folder; for other files, give the `labeler` of the config an `ego_car` '
        'with the arguments of EgoCarRegions',
    )
    parser.add_argument(
        '--num-workers',
        type=int,
        default=2,
        help='processes that read images (%(default)s)',
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        default=1,
        help='images that go through the network together (%(default)s)',
    )
    arguments.add_cfg_options(parser, 'tta_model.scales=[1.0]')
    arguments.add_launcher(parser, ('none', 'pytorch'))
    return arguments.run(parser.parse_args(), job)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import label, load_config

    pseudo_labeler = None
    if args.thresholds:
        pseudo_labeler = dict(type='ClassMedian', cap=args.cap, scope=args.thresholds)
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    manifest = label(
        cfg,
        args.checkpoint,
        args.images[0] if len(args.images) == 1 else args.images,
        args.out,
        tta=args.tta,
        pseudo_labeler=pseudo_labeler,
        ego_car=dict(annotated=args.ego_car) if args.ego_car else None,
        num_workers=args.num_workers,
        batch_size=args.batch_size,
    )
    if arguments.is_first_process():
        print(_table(manifest))


def _table(manifest: dict) -> str:
    """What was labelled, one class a line."""
    lines = [
        f'{manifest["num_images"]} images, {manifest["void_share"]:.1%} of the pixels '
        'void',
        f'{"class":<20}{"share":>8}{"images":>8}{"kept":>8}{"instances":>11}',
    ]
    for figures in manifest['classes']:
        kept = figures.get('kept_share')
        lines.append(
            f'{figures["name"]:<20}{figures["pixels"] / manifest["area"]:>8.2%}'
            f'{figures["images"]:>8}{"" if kept is None else f"{kept:.1%}":>8}'
            f'{figures.get("instances", ""):>11}'
        )
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
