"""Measure what it takes to get a training batch from its files.

Processor time of a whole sample of every data set of a config, beside the bare decoding
of its image file, and samples a second of a data loader with several numbers of
workers. Data sets of GTA5 and Cityscapes read images in the published sizes, drawn by
the built-in miniature world unless --data-root has some.
"""

from __future__ import annotations

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
from timing import parser_for, report, summary, timed_lines
from torch.utils.data import DataLoader, Dataset

from segda_mm.minicity import write_cityscapes
from segda_mm.minicity.output import write_png
from segda_mm.minicity.renderer import render_frame
from segda_mm.registry import DATASETS
from studies.records import ROOT, provenance

CONFIG = 'configs/mpl_bisenet_gta2cs.py'
GTA5_SIZE = (1914, 1052)
CITYSCAPES_SIZE = (2048, 1024)


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
            write_png(root / 'gta5/labels' / name, labels)
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


def leaves(
    dataset: Dataset, name: str = 'samples'
) -> Iterator[tuple[str, BaseDataset]]:
    """The data sets with a pipeline inside of one, named by their place."""
    if isinstance(dataset, BaseDataset):
        yield name, dataset
    for part in ('source', 'target', 'dataset'):
        if hasattr(dataset, part):
            inner = name if part == 'dataset' else part
            yield from leaves(getattr(dataset, part), inner)


def sample_times(dataset: BaseDataset, repeats: int) -> dict[str, dict]:
    """Processor time of whole samples, and of decoding their images alone."""
    seconds: dict[str, list[float]] = {'': [], 'decoding': []}
    for _ in range(repeats):
        for index in range(len(dataset)):
            path = dataset.get_data_info(index)['img_path']
            for name, way in (
                ('', lambda index=index: dataset[index]),
                ('decoding', lambda path=path: cv2.imread(path)),
            ):
                begin = time.process_time()
                way()
                seconds[name].append(time.process_time() - begin)
    return {name: summary(measured) for name, measured in seconds.items()}


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


def main() -> None:
    parser = parser_for(__doc__, repeats=4)
    parser.add_argument('config', nargs='?', default=CONFIG)
    parser.add_argument('--data-root', help='folder with gta5 and cityscapes')
    parser.add_argument('--images', type=int, default=3, help='to draw of each world')
    parser.add_argument('--batches', type=int, default=6, help='of each loader')
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 1, 2, 4])
    args = parser.parse_args()
    origin = provenance()
    # As in the workers of a loader.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    cfg = Config.fromfile(ROOT / args.config)
    init_default_scope(cfg.default_scope)
    batch_size = cfg.train_dataloader.batch_size
    folder = nullcontext(args.data_root) if args.data_root else None
    with folder or tempfile.TemporaryDirectory() as root:
        draw_images(Path(root), args.images)
        redirect(cfg.train_dataloader.dataset, Path(root))
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        dataset.full_init()
        lines = []
        for name, leaf in leaves(dataset):
            times = sample_times(leaf, args.repeats)
            lines += timed_lines(
                f'data loading, {name}', 'one sample', times, bound='decoding'
            )
        throughput = {
            workers: samples_a_second(dataset, batch_size, args.batches, workers)
            for workers in args.workers
        }
    for workers, speed in throughput.items():
        print(f'{workers} workers: {speed} samples a second')
    report('data_loading', lines, origin, args.out, samples_a_second=throughput)


if __name__ == '__main__':
    main()
