"""Measure what it takes to get a training batch from its files.

Takes the training data set of a config apart: processor time of every transform for
an image, beside the bare decoding of its file, and of a whole sample; then samples a
second of a data loader with several numbers of workers; and says whether so many
workers, each with a core of its own, keep up with a training step. Data sets of GTA5
and Cityscapes read images in the published sizes, drawn by the built-in miniature
world unless --data-root has some; others read what their config names. Prints tables
and one JSON line.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.registry import init_default_scope
from timing import print_table, report, summary
from torch.utils.data import DataLoader, Dataset

from studies.results_file import provenance
from segda_mm.minicity import write_cityscapes
from segda_mm.minicity.png import label_palette, write_png
from segda_mm.minicity.renderer import render_frame
from segda_mm.registry import DATASETS, MODELS

CONFIG = 'configs/mpl_bisenet_gta2cs.py'
GTA5_SIZE = (1914, 1052)
CITYSCAPES_SIZE = (2048, 1024)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?', default=CONFIG)
    parser.add_argument('--data-root', help='folder with gta5 and cityscapes')
    parser.add_argument('--images', type=int, default=3, help='to draw of each world')
    parser.add_argument('--repeats', type=int, default=4, help='of each image')
    parser.add_argument('--batches', type=int, default=6, help='of each loader')
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 1, 2, 4])
    parser.add_argument(
        '--step-ms', type=float, default=100, help='of the step to keep up with'
    )
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def draw_images(root: Path, number: int) -> None:
    """Write a GTA5 and a Cityscapes tree of the published sizes, where none is."""
    if not (root / 'gta5').exists():
        for index in range(number):
            frame = render_frame('game', 0, index, CITYSCAPES_SIZE, 'gta5')
            name = f'{index + 1:05}.png'
            # Higher than the miniature world can be drawn.
            image = cv2.resize(frame.image, GTA5_SIZE)
            labels = cv2.resize(
                frame.label_ids, GTA5_SIZE, interpolation=cv2.INTER_NEAREST
            )
            write_png(root / 'gta5/images' / name, image)
            write_png(root / 'gta5/labels' / name, labels, label_palette())
    if not (root / 'cityscapes').exists():
        write_cityscapes(root / 'cityscapes', train=number, val=0, size=CITYSCAPES_SIZE)


def redirect(dataset: Any, root: Path) -> None:
    """Let the data sets within a config read whole trees below ``root``."""
    if isinstance(dataset, dict):
        kind = str(dataset.get('type', ''))
        for start, folder in (('GTA5', 'gta5'), ('Cityscapes', 'cityscapes')):
            if kind.startswith(start):
                dataset['data_root'] = str(root / folder)
                dataset.pop('subset', None)
        for part in dataset.values():
            redirect(part, root)
    elif isinstance(dataset, list):
        for part in dataset:
            redirect(part, root)


def leaves(
    dataset: Dataset, name: str = 'samples'
) -> Iterator[tuple[str, BaseDataset]]:
    """The data sets with a pipeline inside of one, named by their place."""
    if isinstance(dataset, BaseDataset):
        yield name, dataset
    for part in ('source', 'target', 'dataset'):
        if hasattr(dataset, part):
            yield from leaves(
                getattr(dataset, part), name if part == 'dataset' else part
            )


class Timed:
    """A transform that keeps the processor times of its calls."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform
        self.seconds: list[float] = []

    def __call__(self, results: dict) -> dict | None:
        begin = time.process_time()
        results = self.transform(results)
        self.seconds.append(time.process_time() - begin)
        return results


def time_transforms(dataset: BaseDataset, repeats: int) -> dict[str, dict]:
    """Milliseconds of processor time of each transform, and of decoding alone."""
    plain = dataset.pipeline.transforms
    timed = [Timed(transform) for transform in plain]
    whole, decoding = [], []
    # Numbered, as a pipeline may have two of a type.
    names = [f'{place}. {type(step).__name__}' for place, step in enumerate(plain, 1)]
    dataset.pipeline.transforms = timed
    for _ in range(repeats):
        for index in range(len(dataset)):
            begin = time.process_time()
            dataset[index]
            whole.append(time.process_time() - begin)
            path = dataset.get_data_info(index)['img_path']
            begin = time.process_time()
            cv2.imread(path)
            decoding.append(time.process_time() - begin)
    dataset.pipeline.transforms = plain
    return {
        **{name: summary(step.seconds) for name, step in zip(names, timed)},
        'whole sample': summary(whole),
        'bound: decoding the image': summary(decoding),
    }


def samples_a_second(
    dataset: Dataset, batch_size: int, batches: int, workers: int
) -> float:
    """How fast a loader is, the start of its workers included."""
    places = [place % len(dataset) for place in range(batch_size * batches)]
    begin = time.perf_counter()
    loader = DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=places,
        num_workers=workers,
        collate_fn=pseudo_collate,
    )
    for _ in loader:
        pass
    return round(len(places) / (time.perf_counter() - begin), 2)


def time_preprocessor(cfg: Config, batch: dict, repeats: int) -> dict:
    """Milliseconds in which the training process normalises and stacks a batch."""
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        preprocessor(batch, True)
        seconds.append(time.process_time() - begin)
    return summary(seconds)


def verdict(
    transforms: dict[str, dict], batch_size: int, workers: int, step_ms: float
) -> dict:
    """Whether workers with a core each keep up with a step, and what limits them."""
    sample_ms = sum(steps['whole sample']['median'] for steps in transforms.values())
    parts = {
        f'{place} {name}': timing['median']
        for place, steps in transforms.items()
        for name, timing in steps.items()
        if name[0].isdigit()
    }
    slowest = max(parts, key=parts.get)
    batch_ms = batch_size * sample_ms / workers
    return dict(
        sample_ms=round(sample_ms, 2),
        workers=workers,
        batch_ms=round(batch_ms, 2),
        step_ms=step_ms,
        keeps_up=bool(batch_ms <= step_ms),
        workers_needed=math.ceil(batch_size * sample_ms / step_ms),
        slowest=slowest,
        slowest_share=round(parts[slowest] / sample_ms, 3),
    )


def main() -> None:
    args = parse_args()
    origin = provenance()
    # As in the workers of a loader.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    cfg = Config.fromfile(args.config)
    init_default_scope(cfg.default_scope)
    batch_size = cfg.train_dataloader.batch_size
    folder = nullcontext(args.data_root) if args.data_root else None
    with folder or tempfile.TemporaryDirectory() as root:
        draw_images(Path(root), args.images)
        redirect(cfg.train_dataloader.dataset, Path(root))
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        dataset.full_init()
        transforms = {
            name: time_transforms(leaf, args.repeats) for name, leaf in leaves(dataset)
        }
        batch = pseudo_collate([dataset[0]] * batch_size)
        preprocessor = time_preprocessor(cfg, batch, args.repeats)
        throughput = {
            workers: samples_a_second(dataset, batch_size, args.batches, workers)
            for workers in args.workers
        }

    for name, timings in transforms.items():
        print_table(f'{name}, processor time', timings, 'whole sample')
    print_table('training process', {f'normalise {batch_size} samples': preprocessor})
    for workers, speed in throughput.items():
        print(f'{workers} workers: {speed} samples/s')
    answer = verdict(transforms, batch_size, max(args.workers), args.step_ms)
    print(
        f'{answer["workers"]} workers with a core each make a batch of {batch_size} in '
        f'{answer["batch_ms"]:.0f} ms; a step of {args.step_ms:.0f} ms needs '
        f'{answer["workers_needed"]}. The most, {answer["slowest_share"]:.0%}, goes to '
        f'{answer["slowest"]}'
    )
    report(
        dict(
            benchmark='data_loading',
            config=args.config,
            batch_size=batch_size,
            cores=os.cpu_count(),
            load_average=round(os.getloadavg()[0], 2),
            transforms=transforms,
            preprocessor=preprocessor,
            samples_a_second=throughput,
            verdict=answer,
            **origin,
        ),
        args.out,
    )


if __name__ == '__main__':
    main()
