"""Evaluate a checkpoint, with the metrics of its config.

A semantic model gets mIoU, IoU per class, aAcc and precision per pixel, a panoptic
one PQ, instance AP and mIoU, all of them per class as well.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of the config')
    arguments.add_work_dir(parser, 'logs and the results', 'beside the checkpoint')
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='for the predictions: train-id PNGs, or of a panoptic model the files '
        'that the tools of Cityscapes judge',
    )
    show = 'for pictures: image, truth and prediction side by side'
    parser.add_argument('--show-dir', metavar='DIR', help=show)
    confusion = (
        'write pixels by true and predicted class to the work dir, as '
        '<checkpoint>_confusion.csv and .png'
    )
    parser.add_argument('--confusion', action='store_true', help=confusion)
    tta = "average over the config's scales and flips"
    parser.add_argument('--tta', action='store_true', help=tta)
    arguments.add_cfg_options(parser, 'test_dataloader.batch_size=2')
    arguments.add_launcher(parser)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import evaluate, load_config

    work_dir = args.work_dir or Path(args.checkpoint).parent
    cfg = load_config(args.config, args.cfg_options, work_dir)
    cfg.launcher = args.launcher
    evaluate(
        cfg,
        args.checkpoint,
        args.tta,
        show_dir=args.show_dir,
        out=args.out,
        confusion=args.confusion,
    )
