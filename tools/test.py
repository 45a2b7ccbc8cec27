"""Evaluate a checkpoint, with the metrics of its config.

A semantic model gets mIoU, IoU per class, aAcc and precision per pixel, a panoptic
one PQ, instance AP and mIoU, all of them per class as well.
"""

from __future__ import annotations

import argparse
import os
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of the config')
    parser.add_argument(
        '--work-dir',
        help='folder for logs and the results (work_dirs/<name of the config>)',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='write the predictions here: train-id PNGs, or of a panoptic model the '
        'files that the tools of Cityscapes judge',
    )
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        help='write pictures here: image, truth and prediction side by side, and '
        'center heatmaps and offsets of a panoptic model',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help="average over the scales and flips of the config's tta_model or "
        'tta_pipeline',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='override config entries, as test_dataloader.batch_size=2',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes; torchrun is pytorch',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import PreflightError, leave_process_group, load_config, test

    try:
        cfg = load_config(args.config, args.cfg_options, args.work_dir)
        cfg.launcher = args.launcher
        test(
            cfg,
            args.checkpoint,
            tta=args.tta,
            show_dir=args.show_dir,
            out=args.out,
        )
        leave_process_group()
    except PreflightError as error:
        # Every process of a launcher meets the same error; one tells it.
        if os.environ.get('RANK', '0') == '0':
            print(f'test.py: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
