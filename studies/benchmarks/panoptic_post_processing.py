"""Measure the post-processing of Panoptic-DeepLab beside the straightforward way.

The straightforward way takes every pixel of the image to every center at once and
then goes through the instances and classes one by one. Both get the same synthetic
outputs of a network, and the tool stops where their panoptic maps differ. The lower
bound is to read these outputs once and to write a map once. Prints a table and one
JSON line.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import resource
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.device import get_device
from timing import MIB, print_table, report, time_ways
from torch import Tensor

from studies.results_file import provenance
from segda_mm.datasets.cityscapes_labels import THING_CLASSES
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.ops.panoptic_post_processing import panoptic_post_processing
from segda_mm.ops.panoptic_targets import panoptic_targets

SIZES = ((512, 1024), (1024, 2048))
THRESHOLD, WINDOW, TOP_K, STUFF_AREA = 0.1, 7, 200, 4096
#: Of the objects, side by side in rows that grow towards the viewer.
GRID = (4, 10)
BOUND = 'reading and writing once'


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

    rows = torch.arange(height, device=offset.device)[:, None].expand(height, width)
    columns = torch.arange(width, device=offset.device).expand(height, width)
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


def touch_once(outputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Read every output and write a map; what any post-processing has to do."""
    for output in outputs:
        output.amax()
    return torch.zeros(outputs[0].shape, dtype=torch.int32, device=outputs[0].device)


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
    scenes, rows = [], []
    for size in SIZES:
        outputs = network_outputs(size, np.random.default_rng(args.seed))
        scenes.append(outputs)
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
    ways[BOUND] = touch_once
    device = get_device()
    for row, outputs in zip(rows, scenes):
        there = tuple(output.to(device) for output in outputs)
        if not torch.equal(ours(there), straightforward(there)):
            sys.exit(f'panoptic_post_processing: the panoptic maps differ on {device}')
        row['milliseconds'] = time_ways(
            {name: partial(way, there) for name, way in ways.items()}, args.repeats
        )

    for row in rows:
        print_table(row['size'], row['milliseconds'], BOUND)
        for name, entry in row['milliseconds'].items():
            growth = f', {row["mib"][name]:.1f} MiB more' if name in row['mib'] else ''
            print(f'{name}: {entry["processor_median"]:.2f} ms CPU{growth}')
    result = dict(
        benchmark='panoptic_post_processing',
        threads=args.threads,
        device=device,
        load_average=round(os.getloadavg()[0], 2),
        bound=BOUND,
        sizes=rows,
        equal_maps=True,
        **origin,
    )
    report(result, args.out)


if __name__ == '__main__':
    main()
