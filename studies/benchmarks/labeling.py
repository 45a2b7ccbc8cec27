"""Time labelling under test-time augmentation beside its bare network.

Labels random images with a config's network, whose weights are random too, over the
scales given and flips, from image files to label files. The bound is what the labels
cannot be had without: forward passes of the network over the views of an image, which
are loaded, normalised and resized already.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from PIL import Image
from timing import MIB, parser_for, report, summary
from torch import Tensor, nn
from torch.utils.data import Dataset

from segda_mm.labeling import LabelStore, TTALabeler
from segda_mm.labeling.unlabeled_pipeline import without_labels
from segda_mm.registry import DATASETS, MODELS
from studies.records import ROOT, provenance

CONFIG = 'configs/panoptic_deeplab/panoptic-deeplab_r18_minicity-256x512.py'


def write_images(folder: Path, number: int, size: tuple[int, int]) -> None:
    """Blocks of colour, whose labels compress as badly as those of a street."""
    draw = np.random.default_rng(0)
    folder.mkdir()
    for index in range(number):
        blocks = draw.integers(256, size=(size[1] // 16, size[0] // 16, 3))
        pixels = blocks.astype(np.uint8).repeat(16, 0).repeat(16, 1)
        Image.fromarray(pixels).save(folder / f'{index:06}.png')


@torch.no_grad()
def bare_network(model: nn.Module, dataset: Dataset, repeats: int) -> dict:
    """Times of the network alone for the views of an image."""
    views: list[Tensor] = []
    keep = model.module.backbone.register_forward_pre_hook(
        lambda _, inputs: views.append(inputs[0])
    )
    model.test_step(pseudo_collate([dataset[0]]))
    keep.remove()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for view in views:
            model.module(view, mode='tensor')
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return summary(seconds)


def main() -> None:
    parser = parser_for(__doc__, repeats=4)
    parser.add_argument('config', nargs='?', default=CONFIG, help='a panoptic one')
    parser.add_argument('--size', default='512x256', help='WxH of the images')
    parser.add_argument(
        '--scales', type=float, nargs='+', default=[0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    )
    parser.add_argument('--num-workers', type=int, default=1)
    parser.add_argument('--num-writers', type=int, default=2)
    parser.set_defaults(threads=1)
    args = parser.parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    cfg = Config.fromfile(ROOT / args.config)
    init_default_scope(cfg.default_scope)
    wrapper = dict(cfg.tta_model, scales=args.scales, module=cfg.model)
    model = MODELS.build(wrapper).to(get_device()).eval()
    labeler = TTALabeler(num_workers=args.num_workers, num_writers=args.num_writers)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        size = tuple(map(int, args.size.split('x')))
        write_images(folder / 'images', args.repeats, size)
        dataset = DATASETS.build(
            dict(
                type='UnlabeledImageDataset',
                images=str(folder / 'images'),
                pipeline=without_labels(cfg.tta_pipeline),
            )
        )
        labeler.label(model, dataset, LabelStore(folder / 'labels'), {}, {})
        bare = bare_network(model, dataset, args.repeats)
    line = dict(
        path='labelling, all views',
        size=f'{args.size}, {len(args.scales)} scales',
        ms=round(1000 * labeler.timing['seconds'] / labeler.timing['images'], 2),
        bound_ms=bare['ms'],
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB),
    )
    report('labeling', [line], origin, args.out, timing=dict(labeler.timing))


if __name__ == '__main__':
    main()
