"""Measure the post-processing of Panoptic-DeepLab beside the straightforward way.

The straightforward way takes every pixel of the image to every center at once and
then goes through the instances and classes one by one. Both get the same synthetic
outputs of a network, and the tool stops where their panoptic maps differ. Prints a
table and one JSON line.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from segda_mm.apis.results_file import append_row, provenance
from segda_mm.datasets.cityscapes_labels import THING_CLASSES
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.ops.panoptic_post_processing import panoptic_post_processing
from segda_mm.ops.panoptic_targets import panoptic_targets

SIZES = ((512, 1024), (1024, 2048))
THRESHOLD, WINDOW, TOP_K, STUFF_AREA = 0.1, 7, 200, 4096
#: Of the objects, side by side in rows that grow towards the viewer.
GRID = (4, 10)
MIB = 2**20


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=20, help='of either way')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def network_outputs(
    size: tuple[int, int], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """A street with 40 objects as a good network might see it.

    Returns:
        Labels (1, H, W), center heatmap (1, 1, H, W) and offset (1, 2, H, W).
    """
    height, width = size
    codes = np.zeros(size, np.int32)
    # Sky, vegetation, buildings, sidewalk and road, and a column of poles.
    for label, top in ((10, 0), (8, 0.2), (2, 0.3), (1, 0.5), (0, 0.6)):
        codes[int(top * height) :] = label * LABEL_DIVISOR
    codes[: height // 2, :: width // 8] = 5 * LABEL_DIVISOR
    for number, (row, column) in enumerate(np.ndindex(*GRID)):
        label = rng.choice(THING_CLASSES)
        _draw_object(codes, row, column, label * LABEL_DIVISOR + number + 1, rng)
    targets = panoptic_targets(codes, THING_CLASSES)

    sem_seg = codes // LABEL_DIVISOR
    is_thing = codes % LABEL_DIVISOR > 0
    # Blocks in which things are taken for another class, and lost ones.
    blocks = rng.random((height // 16, width // 16)).repeat(16, 0).repeat(16, 1)
    sem_seg = np.where(is_thing & (blocks < 0.1), THING_CLASSES[0], sem_seg)
    sem_seg = np.where(is_thing & (blocks > 0.97), 2, sem_seg)
    heatmap = targets['gt_center_heatmap'] * rng.uniform(0.5, 1)
    heatmap += rng.normal(0, 0.01, size)
    offset = targets['gt_offset'] + rng.normal(0, height / 300, (2, *size))
    return (
        torch.from_numpy(sem_seg.astype(np.int64))[None],
        torch.from_numpy(heatmap.astype(np.float32))[None, None],
        torch.from_numpy(offset.astype(np.float32))[None],
    )


def _draw_object(
    codes: np.ndarray, row: int, column: int, code: int, rng: np.random.Generator
) -> None:
    """Draw one ellipse into its place of the grid, in the lower two thirds."""
    height, width = codes.shape
    depth = np.array([0.12, 0.14, 0.18, 0.22])
    bottom = (0.34 + depth[: row + 1].sum()) * height
    radii = np.array([depth[row] * height, width / GRID[1]]) / 2
    center = np.array([bottom - radii[0], (column + 0.5) * width / GRID[1]])
    center += rng.uniform(-0.3, 0.3, 2) * radii
    radii *= rng.uniform(0.3, 0.9, 2)
    rows, columns = np.ogrid[:height, :width]
    inside = ((rows - center[0]) / radii[0]) ** 2 + (
        (columns - center[1]) / radii[1]
    ) ** 2 <= 1
    codes[inside] = code


def ours(outputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    prediction = panoptic_post_processing(
        *outputs, THING_CLASSES, THRESHOLD, WINDOW, TOP_K, STUFF_AREA
    )
    return prediction[0].codes


def straightforward(outputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """The paper's steps as they are told, one tensor operation each."""
    sem_seg, heatmap, offset = outputs[0][0], outputs[1], outputs[2][0]
    height, width = sem_seg.shape
    heatmap = F.threshold(heatmap, THRESHOLD, -1)
    pooled = F.max_pool2d(heatmap, WINDOW, 1, WINDOW // 2)
    heatmap = torch.where(heatmap == pooled, heatmap, -1)[0, 0]
    points = (heatmap > 0).nonzero()
    values = heatmap[points[:, 0], points[:, 1]]
    points = points[values.sort(descending=True, stable=True).indices[:TOP_K]]

    rows = torch.arange(height)[:, None].expand(height, width)
    columns = torch.arange(width).expand(height, width)
    targets = (offset + torch.stack([rows, columns])).flatten(1).T
    distances = ((targets - points[:, None]) ** 2).sum(-1)
    numbers = distances.argmin(0).view(height, width) + 1
    is_thing = torch.zeros_like(sem_seg, dtype=torch.bool)
    for label in THING_CLASSES:
        is_thing |= sem_seg == label
    numbers = numbers * is_thing

    codes = torch.full_like(sem_seg, VOID_CODE)
    instances_of_class = {}
    for number in numbers.unique().tolist():
        if number:
            mask = numbers == number
            label = sem_seg[mask].bincount().argmax().item()
            instances_of_class[label] = instances_of_class.get(label, 0) + 1
            codes[mask] = label * LABEL_DIVISOR + instances_of_class[label]
    for label in sem_seg.unique().tolist():
        mask = (sem_seg == label) & ~is_thing
        if label not in THING_CLASSES and mask.sum() >= STUFF_AREA:
            codes[mask] = label * LABEL_DIVISOR
    return codes.int()


def milliseconds(run: Callable, outputs: tuple, repeats: int) -> dict:
    """Time and processor time of all threads per image: medians, and quartiles."""
    run(outputs)
    wall, processor = [], []
    for _ in range(repeats):
        begin = time.perf_counter(), time.process_time()
        run(outputs)
        wall.append(1000 * (time.perf_counter() - begin[0]))
        processor.append(1000 * (time.process_time() - begin[1]))
    low, median, high = np.percentile(wall, (25, 50, 75))
    return dict(
        median=round(median, 2),
        quartiles=[round(low, 2), round(high, 2)],
        fastest=round(min(wall), 2),
        processor_median=round(float(np.median(processor)), 2),
        runs=repeats,
    )


def peak_growth(run: Callable, outputs: tuple) -> float:
    """MiB by which a process grows at most, while it runs once.

    Measured in a fork, whose peak starts at what it has when it is made. It has
    one thread, as those of OpenMP do not live on in a fork.
    """
    # Free memory that this process has kept would hide what the fork takes.
    ctypes.CDLL(None).malloc_trim(0)
    context = multiprocessing.get_context('fork')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report_growth, args=(run, outputs, sender))
    process.start()
    # Without this end of ours, a dead child ends the wait with an error.
    sender.close()
    growth = receiver.recv()
    process.join()
    return growth


def _report_growth(run: Callable, outputs: tuple, sender: Connection) -> None:
    torch.set_num_threads(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(outputs)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sender.send(round((after - before) * 1024 / MIB, 1))


def main() -> None:
    args = parse_args()
    origin = provenance()
    # Before any of this process's own threads are made, see peak_growth.
    torch.set_num_threads(1)
    ways = {'ours': ours, 'straightforward': straightforward}
    scenes, rows = {}, []
    for size in SIZES:
        outputs = network_outputs(size, np.random.default_rng(args.seed))
        scenes[size] = outputs
        codes = ours(outputs)
        if not torch.equal(codes, straightforward(outputs)):
            sys.exit('panoptic_post_processing: the panoptic maps differ')
        is_thing = torch.isin(outputs[0], torch.tensor(THING_CLASSES))
        rows.append(
            dict(
                size=f'{size[1]}x{size[0]}',
                instances=len(codes[codes % LABEL_DIVISOR > 0].unique()),
                thing_share=round(is_thing.float().mean().item(), 3),
                mib={name: peak_growth(way, outputs) for name, way in ways.items()},
            )
        )
    torch.set_num_threads(args.threads)
    for row, outputs in zip(rows, scenes.values()):
        row['milliseconds'] = {
            name: milliseconds(way, outputs, args.repeats) for name, way in ways.items()
        }

    print('size       way                   ms            quartiles   CPU ms      MiB')
    for row in rows:
        for name, entry in row['milliseconds'].items():
            low, high = entry['quartiles']
            print(
                f'{row["size"]:10} {name:16} {entry["median"]:8.2f} '
                f'{f"{low:.2f} to {high:.2f}":>20} '
                f'{entry["processor_median"]:8.2f} {row["mib"][name]:8.1f}'
            )
    result = dict(
        benchmark='panoptic_post_processing',
        threads=args.threads,
        load_average=round(os.getloadavg()[0], 2),
        sizes=rows,
        equal_maps=True,
        **origin,
    )
    print(json.dumps(result))
    if args.out:
        append_row(args.out, result)


if __name__ == '__main__':
    main()
