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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
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

Way = Callable[[], object]


def build_network(cfg: Config, num_classes: int) -> nn.Module:
    """The config's segmentor for another number of classes, in training mode."""
    model = copy.deepcopy(cfg.model)
    for head in (model.decode_head, *model.auxiliary_head):
        head.num_classes = num_classes
    return MODELS.build(model).to(get_device()).train()


def passes(
    model: nn.Module, num_classes: int, size: tuple[int, int] = SIZE, batch: int = BATCH
) -> Way:
    """Forward and backward pass of one batch that is ready."""
    samples = segmentation_batch(batch, size, num_classes)
    data = model.data_preprocessor(samples, training=True)

    def run() -> None:
        total, _ = model.parse_losses(model(**data, mode='loss'))
        total.backward()
        model.zero_grad()

    return run


def discriminator_passes(num_classes: int) -> Way:
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
    return time_ways({'step': lambda: model.train_step(batch, optimizer)}, repeats)[
        'step'
    ]


def steps_in_processes(processes: int) -> dict:
    """A point of training's throughput, with the same batch in every process."""
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += [f'--nproc_per_node={processes}', *sys.argv, '--worker']
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )
    timing = json.loads(done.stdout.splitlines()[-1])
    low, high = timing['quartiles']
    fast, median, slow = (
        round(1000 * processes * BATCH / ms, 3) for ms in (low, timing['ms'], high)
    )
    return dict(x=processes, y=median, low=slow, high=fast)


def panel(title: str, x_label: str, curves: Mapping, y_label: str = 'ms') -> dict:
    """One panel of the figure: curves of points ``x``, ``y``, ``low``, ``high``."""
    return dict(title=title, x_label=x_label, y_label=y_label, curves=curves)


def points(ways: Mapping[float, Way], repeats: int) -> list[dict]:
    """Time ways by their x, in turns."""
    return [
        dict(
            x=x, y=timing['ms'], low=timing['quartiles'][0], high=timing['quartiles'][1]
        )
        for x, timing in time_ways(ways, repeats).items()
    ]


def measure(cfg: Config, repeats: int) -> list[dict]:
    """All panels."""
    classes = cfg.model.decode_head.num_classes
    model = build_network(cfg, classes)
    sizes = {h * w: passes(model, classes, (h, w)) for h, w in SIZES}
    batches = {batch: passes(model, classes, batch=batch) for batch in BATCHES}
    of_classes = {x: passes(build_network(cfg, x), x) for x in CLASSES}
    judged = {x: discriminator_passes(x) for x in CLASSES}
    step = 'forward and backward'
    allowed = torch.cuda.device_count() if torch.cuda.is_available() else None
    processes = [x for x in PROCESSES if allowed is None or x <= allowed]
    return [
        panel('image size', 'pixels of an image', {step: points(sizes, repeats)}),
        panel('batch size', 'images of a batch', {step: points(batches, repeats)}),
        panel(
            'classes',
            'classes',
            {
                step: points(of_classes, repeats),
                'discriminator': points(judged, repeats),
            },
        ),
        panel(
            f'processes, batch {BATCH} in each',
            'processes of one thread',
            {'training step': [steps_in_processes(x) for x in processes]},
            'images a second',
        ),
    ]


def slope(curve: Sequence[Mapping[str, float]]) -> float:
    """Exponent of the power law that fits points best, by least squares of logs."""
    x, y = (np.log([point[key] for point in curve]) for key in 'xy')
    return float(np.polyfit(x, y, 1)[0])


def save_figure(panels: Sequence[Mapping], path: Path) -> None:
    """Draw every panel with logarithmic axes, and its slopes in the legend."""
    figure = Figure(figsize=(3.6 * len(panels), 3.6), layout='constrained')
    FigureCanvasAgg(figure)
    for axes, part in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        for name, curve in part['curves'].items():
            x, y, low, high = (
                np.array([point[key] for point in curve])
                for key in ('x', 'y', 'low', 'high')
            )
            if len(curve) > 1:
                name += f': slope {slope(curve):.2f}'
            axes.errorbar(x, y, (y - low, high - y), marker='o', ms=4, label=name)
        axes.set(xlabel=part['x_label'], ylabel=part['y_label'], title=part['title'])
        axes.set(xscale='log', yscale='log')
        axes.grid(color='0.9')
        axes.legend(fontsize=8, frameon=False)
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
    panels = measure(cfg, args.repeats)
    for part in panels:
        for name, curve in part['curves'].items():
            fit = f': slope {slope(curve):.2f}' if len(curve) > 1 else ''
            print(f'{part["title"]}, {name}, {part["y_label"]}{fit}')
            print('  ' + ', '.join(f'{p["x"]}: {p["y"]:.1f}' for p in curve))
    report('scaling', [], origin, args.out, panels=panels)
    if args.plot:
        save_figure(panels, args.plot)


if __name__ == '__main__':
    main()
