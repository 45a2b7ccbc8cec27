"""Measure cost against image size, batch size, number of classes and of processes.

Image size, batch and classes: forward and backward pass of a config's network as it is
trained, without an optimizer; beside the classes also the passes of the discriminator,
which has them as channels. Processes: images a second of whole training steps, one
thread a process, started by torchrun. --plot draws the points with logarithmic axes and
the slope of every curve: 1 is in proportion, 0 is no change.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import get_rank, get_world_size
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from timing import parser_for, report, time_ways
from torch import nn

from segda_mm.apis import leave_process_group, load_config
from segda_mm.engine.distributed import initialize_process_group
from segda_mm.registry import MODEL_WRAPPERS, MODELS
from segda_mm.testing import segmentation_batch
from studies.records import ROOT, provenance

CONFIG = 'configs/supervised/supervised_bisenetv1-r18_minicity-gta5-128x256.py'
#: Height and width; batch normalization of pooled maps needs two images.
SIZES = ((64, 128), (96, 192), (128, 256), (192, 384), (256, 512))
BATCHES = (2, 4, 8, 16)
CLASSES = (5, 10, 19, 38, 76, 152)
PROCESSES = (1, 2)
SIZE, BATCH = (128, 256), 2

#: x -> ``ms``, or images a second in its place, and ``quartiles``.
Curve = Mapping[float, Mapping[str, Any]]


def build_network(cfg: Config, num_classes: int) -> nn.Module:
    """The config's segmentor for another number of classes, in training mode."""
    model = copy.deepcopy(cfg.model)
    for head in (model.decode_head, *model.auxiliary_head):
        head.num_classes = num_classes
    return MODELS.build(model).to(get_device()).train()


def passes(
    model: nn.Module, num_classes: int, size: tuple[int, int] = SIZE, batch: int = BATCH
) -> Callable[[], None]:
    """Forward and backward pass of one batch that is ready."""
    samples = segmentation_batch(batch, size, num_classes)
    data = model.data_preprocessor(samples, training=True)

    def run() -> None:
        total, _ = model.parse_losses(model(**data, mode='loss'))
        total.backward()
        model.zero_grad()

    return run


def discriminator_passes(num_classes: int) -> Callable[[], None]:
    """Forward and backward pass of a discriminator's own step."""
    kind = dict(type='DSCDiscriminator', num_classes=num_classes)
    discriminator = MODELS.build(kind).to(get_device())
    maps = torch.randn(BATCH, num_classes, *SIZE, device=get_device()).softmax(1)

    def run() -> None:
        judged = discriminator(maps)
        F.binary_cross_entropy_with_logits(judged, torch.ones_like(judged)).backward()
        discriminator.zero_grad()

    return run


def worker_step_time(cfg: Config, repeats: int) -> dict:
    """Time whole training steps in this process and all others of its group."""
    initialize_process_group('pytorch', cfg.env_cfg)
    classes = cfg.model.decode_head.num_classes
    model = build_network(cfg, classes)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    if get_world_size() > 1:
        model = MODEL_WRAPPERS.build(dict(cfg.model_wrapper_cfg, module=model))
    batch = segmentation_batch(BATCH, SIZE, classes, seed=get_rank())
    ways = {'step': lambda: model.train_step(batch, optimizer)}
    return time_ways(ways, repeats)['step']


def images_a_second(processes: int) -> dict[str, Any]:
    """Training's throughput, with the same batch in every process."""
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += [f'--nproc_per_node={processes}', *sys.argv, '--worker']
    env = dict(os.environ, OMP_NUM_THREADS='1')
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=env
    )
    timing = json.loads(done.stdout.splitlines()[-1])
    times = [timing['ms'], *reversed(timing['quartiles'])]
    median, *quartiles = (round(1000 * processes * BATCH / ms, 3) for ms in times)
    return dict(ms=median, quartiles=quartiles)


def measure(cfg: Config, repeats: int) -> dict[str, Curve]:
    """All curves, named ``x label: what``."""
    classes = cfg.model.decode_head.num_classes
    model = build_network(cfg, classes)
    allowed = torch.cuda.device_count() if torch.cuda.is_available() else max(PROCESSES)
    ways = {
        'pixels of an image: ms': {
            height * width: passes(model, classes, (height, width))
            for height, width in SIZES
        },
        'images of a batch: ms': {x: passes(model, classes, batch=x) for x in BATCHES},
        'classes: ms': {x: passes(build_network(cfg, x), x) for x in CLASSES},
        'classes: ms of the discriminator': {
            x: discriminator_passes(x) for x in CLASSES
        },
    }
    curves: dict[str, Curve] = {
        name: time_ways(part, repeats) for name, part in ways.items()
    }
    curves['processes of one thread: images a second'] = {
        x: images_a_second(x) for x in PROCESSES if x <= allowed
    }
    return curves


def slope(x: list[float], y: list[float]) -> float:
    """Exponent of the power law that fits points best, by least squares of logs."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def save_figure(curves: Mapping[str, Curve], path: Path) -> None:
    """Draw the curves with logarithmic axes, and their slopes in the titles."""
    figure = Figure(figsize=(3.6 * len(curves), 3.6), layout='constrained')
    for axes, (name, curve) in zip(figure.subplots(1, len(curves)), curves.items()):
        y = np.array([point['ms'] for point in curve.values()])
        low, high = np.array([point['quartiles'] for point in curve.values()]).T
        axes.errorbar([*curve], y, (y - low, high - y), marker='o', ms=4)
        x_label, _, y_label = name.partition(': ')
        title = f'slope {slope([*curve], y):.2f}' if len(curve) > 1 else ''
        axes.set(xlabel=x_label, ylabel=y_label, title=title)
        axes.set(xscale='log', yscale='log')
        axes.grid(color='0.9')
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = parser_for(__doc__, repeats=5)
    parser.add_argument('--config', default=CONFIG, help='of a supervised training')
    parser.add_argument('--plot', type=Path, help='picture to draw the points into')
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    cfg = load_config(ROOT / args.config)
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    if args.worker:
        torch.set_num_threads(1)
        timing = worker_step_time(cfg, args.repeats)
        if get_rank() == 0:
            print(json.dumps(timing))
        leave_process_group()
        return
    origin = provenance()
    torch.set_num_threads(args.threads)
    curves = measure(cfg, args.repeats)
    for name, curve in curves.items():
        print(name, *(f'{x}: {point["ms"]:.1f}' for x, point in curve.items()))
    report('scaling', [], origin, args.out, curves=curves)
    if args.plot:
        save_figure(curves, args.plot)


if __name__ == '__main__':
    main()
