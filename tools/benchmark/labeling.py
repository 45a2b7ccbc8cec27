"""Measure labelling beside its bare network, and how much memory it takes.

Labels random images with a config's network, whose weights are random too, and
whose own views are replaced by the scales and flips given. The same is done with
twice the images, with the largest scale alone and three times, and without flips,
each in a process of its own, to see whether the peak grows with their numbers.
Different scales cost a little more than equal ones, as the allocator keeps blocks of
many sizes; MALLOC_MMAP_THRESHOLD_=1048576 in the environment, which the line records,
makes it give large blocks back. In the process of all views follows what the labels
cannot be had without: forward passes of the network over the views of an image, which
are loaded, normalised and resized already. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
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
from timing import MIB, report
from torch import Tensor, nn
from torch.utils.data import Dataset

from segda_mm.apis.results_file import provenance
from segda_mm.labeling import LabelStore, TTALabeler
from segda_mm.labeling.unlabeled_pipeline import without_labels
from segda_mm.registry import DATASETS, MODELS

CONFIG = 'configs/panoptic_deeplab/panoptic-deeplab_r18_minicity-256x512.py'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?', default=CONFIG)
    parser.add_argument('--size', default='512x256', help='WxH of the images')
    parser.add_argument('--images', type=int, default=4)
    parser.add_argument(
        '--scales', type=float, nargs='+', default=[0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    )
    parser.add_argument('--num-workers', type=int, default=1)
    parser.add_argument('--num-writers', type=int, default=2)
    parser.add_argument('--threads', type=int, default=1, help='of the network')
    parser.add_argument('--out', help='results file to append the line to')
    parser.add_argument('--case', help=argparse.SUPPRESS)
    return parser.parse_args()


def cases(args: argparse.Namespace) -> dict[str, dict]:
    """Images, scales and flip of every labelling."""
    whole = dict(images=args.images, scales=args.scales, flip=True)
    return {
        'all views': dict(whole, bare=True),
        'twice the images': dict(whole, images=2 * args.images),
        'largest scale alone': dict(whole, scales=[max(args.scales)]),
        'largest scale, 3 times': dict(whole, scales=[max(args.scales)] * 3),
        'without flips': dict(whole, flip=False),
    }


def views_of(cfg: Config, scales: list[float], flip: bool) -> tuple[dict, list]:
    """The wrapper of the model and the pipeline, for other scales and flips."""
    if cfg.tta_model.type == 'PanopticTTA':
        return dict(cfg.tta_model, scales=scales, flip=flip), cfg.tta_pipeline
    resize, _, *rest = cfg.tta_pipeline[1].transforms
    size = cfg.test_pipeline[1].scale if 'scale' in resize[0] else None
    resizes = [
        dict(type='Resize', scale_factor=scale)
        if size is None
        else dict(resize[0], scale=tuple(round(side * scale) for side in size))
        for scale in scales
    ]
    flips = [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)[: 1 + flip]]
    views = dict(type='TestTimeAug', transforms=[resizes, flips, *rest])
    return cfg.tta_model, [cfg.tta_pipeline[0], views]


def label(args: argparse.Namespace, case: dict) -> dict:
    """Label once; what it took."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    cfg = Config.fromfile(args.config)
    init_default_scope(cfg.default_scope)
    wrapper, pipeline = views_of(cfg, case['scales'], case['flip'])
    model = MODELS.build(dict(**wrapper, module=cfg.model)).to(get_device()).eval()
    width, height = map(int, args.size.split('x'))
    labeler = TTALabeler(num_workers=args.num_workers, num_writers=args.num_writers)
    with tempfile.TemporaryDirectory() as folder:
        draw = np.random.default_rng(0)
        images = Path(folder, 'images')
        images.mkdir()
        for number in range(case['images']):
            # Blocks, whose labels compress as badly as those of a street.
            pixels = draw.integers(256, size=(height // 16, width // 16, 3))
            pixels = pixels.astype(np.uint8).repeat(16, 0).repeat(16, 1)
            Image.fromarray(pixels).save(images / f'{number:06}.png')
        dataset = DATASETS.build(
            dict(
                type='UnlabeledImageDataset',
                images=str(images),
                pipeline=without_labels(pipeline),
            )
        )
        loaded = peak(resource.RUSAGE_SELF)
        labeler.label(model, dataset, LabelStore(Path(folder, 'labels')), {}, {})
        timing = labeler.timing
        result = dict(
            seconds_an_image=timing['seconds'] / timing['images'],
            network_share=timing['network_seconds'] / timing['seconds'],
            loaded_mib=loaded,
            peak_mib=peak(resource.RUSAGE_SELF),
            reader_peak_mib=peak(resource.RUSAGE_CHILDREN),
        )
        if torch.cuda.is_available():
            result['gpu_peak_mib'] = torch.cuda.max_memory_allocated() / MIB
        if case.get('bare'):
            bare = bare_network(model, dataset, case['images'])
            result['bare_network_seconds'] = bare
            result['throughput_ratio'] = bare / result['seconds_an_image']
    return {key: round(value, 3) for key, value in result.items()}


@torch.no_grad()
def bare_network(model: nn.Module, dataset: Dataset, images: int) -> float:
    """Seconds that the network alone takes for the views of an image."""
    views: list[Tensor] = []
    keep = model.module.backbone.register_forward_pre_hook(
        lambda _, inputs: views.append(inputs[0])
    )
    model.test_step(pseudo_collate([dataset[0]]))
    keep.remove()
    seconds = []
    for _ in range(images):
        begin = time.perf_counter()
        for view in views:
            model.module(view, mode='tensor')
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))


def peak(who: int) -> float:
    """Largest resident set so far, MiB."""
    return resource.getrusage(who).ru_maxrss * 1024 / MIB


def label_elsewhere(case: dict) -> dict:
    """Label in a process of its own, whose peak is that of this case."""
    command = [sys.executable, *sys.argv, '--case', json.dumps(case)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    args = parse_args()
    if args.case:
        print(json.dumps(label(args, json.loads(args.case))))
        return
    origin = provenance()
    results = {name: label_elsewhere(case) for name, case in cases(args).items()}
    print(f'{"":<24}{"s/image":>9}{"network":>9}{"peak MiB":>10}{"reader MiB":>12}')
    for name, figures in results.items():
        print(
            f'{name:<24}{figures["seconds_an_image"]:>9.3f}{figures["network_share"]:>9.1%}'
            f'{figures["peak_mib"]:>10.0f}{figures["reader_peak_mib"]:>12.0f}'
        )
    all_views = results['all views']
    print(
        f'bare network: {all_views["bare_network_seconds"]:.3f} s/image; labelling '
        f'reaches {all_views["throughput_ratio"]:.0%} of its throughput'
    )
    row = dict(
        benchmark='labeling',
        config=args.config,
        size=args.size,
        scales=args.scales,
        images=args.images,
        num_workers=args.num_workers,
        num_writers=args.num_writers,
        threads=args.threads,
        device=get_device(),
        malloc_mmap_threshold=os.environ.get('MALLOC_MMAP_THRESHOLD_'),
        load_average=round(os.getloadavg()[0], 2),
        results=results,
        **origin,
    )
    report(row, args.out)


if __name__ == '__main__':
    main()
