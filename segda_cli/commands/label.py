"""Label images or videos with a trained network, for another one to learn from.

Writes 8-bit PNGs of train ids, or of a panoptic model 16-bit PNGs of Cityscapes'
instance ids, and a manifest. Stopped and started again, it goes on where it was.
Several processes share the images:
torchrun --nproc_per_node=N -m segda_cli label ... --launcher pytorch
"""

from __future__ import annotations

import argparse

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of the config')
    parser.add_argument(
        '--images',
        nargs='+',
        required=True,
        metavar='PATH',
        help='folders, glob patterns in quotes, .txt files with one path a line or '
        'image files; or video files',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='DIR',
        help='for the labels, each under the path of its image; with videos, for '
        'DIR/frames and DIR/labels',
    )
    no_tta = "label without the config's scales and flips"
    parser.add_argument('--no-tta', dest='tta', action='store_false', help=no_tta)
    parser.add_argument(
        '--thresholds',
        choices=['image', 'dataset'],
        help='make pixels void that are less confident than the median of their '
        'class in the image, or in all images',
    )
    cap = 'highest threshold (%(default)s)'
    parser.add_argument('--cap', type=float, default=0.9, help=cap)
    parser.add_argument(
        '--ego-car',
        metavar='DIR',
        help="make the own car void, as Cityscapes' label files in this folder mark it",
    )
    workers = 'processes that read images (%(default)s)'
    parser.add_argument('--num-workers', type=int, default=2, help=workers)
    batch_size = 'images that the network sees together (%(default)s)'
    parser.add_argument('--batch-size', type=int, default=1, help=batch_size)
    arguments.add_max_lost_frames(parser)
    arguments.add_cfg_options(parser, 'tta_model.scales=[1.0]')
    arguments.add_launcher(parser, ('none', 'pytorch'))


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
        max_lost_frames=args.max_lost_frames,
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
