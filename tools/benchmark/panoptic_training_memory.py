"""Measure the peak memory of one training step of a Panoptic-DeepLab config.

One forward and one backward pass of a random image with random instances, on
the CPU, at the config's own crop. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope

from segda_mm.apis.results_file import append_row, provenance
from segda_mm.registry import MODELS
from segda_mm.testing import panoptic_batch

CONFIG = 'configs/panoptic_deeplab/panoptic-deeplab_wr41_cityscapes-1025x2049.py'
GIB = 2**30


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?', default=CONFIG)
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument(
        '--without-checkpointing',
        action='store_true',
        help='keep all activations of the backbone',
    )
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def peak_memory() -> float:
    """Largest resident set of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def main() -> None:
    args = parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    cfg = Config.fromfile(args.config)
    init_default_scope(cfg.default_scope)
    backbone = cfg.model.backbone
    # mmseg's own backbones call it with_cp.
    key = 'with_checkpoint' if 'with_checkpoint' in backbone else 'with_cp'
    backbone[key] = not args.without_checkpointing
    # SyncBN does not run on a CPU; both keep the same activations.
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.train()
    size = tuple(cfg.model.data_preprocessor.size)
    loaded = peak_memory()

    batch = panoptic_batch(
        num_images=args.batch_size,
        size=size,
        num_classes=model.num_classes,
        thing_classes=model.decode_head.thing_classes,
    )
    data = model.data_preprocessor(batch, training=True)
    begin = time.perf_counter()
    losses = model(**data, mode='loss')
    forward = time.perf_counter() - begin
    total, _ = model.parse_losses(losses)
    total.backward()
    both = time.perf_counter() - begin

    row = dict(
        benchmark='panoptic_training_memory',
        config=args.config,
        size=f'{size[1]}x{size[0]}',
        batch_size=args.batch_size,
        checkpointing=not args.without_checkpointing,
        parameters=sum(p.numel() for p in model.parameters()),
        threads=args.threads,
        model_gib=round(loaded, 2),
        peak_gib=round(peak_memory(), 2),
        forward_seconds=round(forward, 1),
        forward_backward_seconds=round(both, 1),
        losses={key: round(float(value.detach()), 4) for key, value in losses.items()},
        **origin,
    )
    print(f'process with the model      {row["model_gib"]:6.2f} GiB')
    print(f'peak, forward and backward  {row["peak_gib"]:6.2f} GiB')
    print(f'time, forward and backward  {both:6.1f} s')
    print(json.dumps(row))
    if args.out:
        append_row(args.out, row)


if __name__ == '__main__':
    main()
