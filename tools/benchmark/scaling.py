"""Measure cost against image size, batch size, number of classes and of processes.

Image size, batch and classes: forward and backward pass of a config's network as it
is trained, without an optimizer; beside the classes also the passes of the
discriminator, which has them as channels, and the metrics on one image. Processes:
images a second of whole training steps, one thread a process, started by torchrun.
Prints a table and one JSON line with all points; --plot draws them.
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

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import get_rank, get_world_size
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from timing import report, time_ways
from torch import nn

from segda_mm.apis import leave_process_group, load_config
from segda_mm.apis.results_file import provenance
from segda_mm.engine.distributed import initialize_process_group
from segda_mm.evaluation import PerClassIoUMetric
from segda_mm.evaluation.panoptic_tally import PanopticTally
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.registry import MODEL_WRAPPERS, MODELS
from segda_mm.testing import panoptic_batch, segmentation_batch
from segda_mm.visualization import power_law_exponent, save_scaling_figure

CONFIG = 'configs/supervised/supervised_bisenetv1-r18_minicity-gta5-128x256.py'
#: Height and width; batch normalization of pooled maps needs two images.
SIZES = ((64, 128), (96, 192), (128, 256), (192, 384), (256, 512))
BATCHES = (2, 4, 8, 16)
CLASSES = (5, 10, 19, 38, 76, 152)
PROCESSES = (1, 2)
SIZE, BATCH = (128, 256), 2
EVALUATED_SIZE = (256, 512)

Way = Callable[[], object]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', default=CONFIG, help='of a supervised training')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--plot', type=Path, help='picture to draw the points into')
    parser.add_argument('--out', help='results file to append the line to')
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    return parser.parse_args()


def build_network(cfg: Config, num_classes: int) -> nn.Module:
    """The config's segmentor for another number of classes, in training mode."""
    model = copy.deepcopy(cfg.model)
    for head in (model.decode_head, *model.auxiliary_head):
        head.num_classes = num_classes
    return MODELS.build(model).to(get_device()).train()


def passes(
    model: nn.Module, size: tuple[int, int], batch_size: int, num_classes: int
) -> Way:
    """Forward and backward pass of one batch that is ready."""
    batch = segmentation_batch(batch_size, size, num_classes)
    data = model.data_preprocessor(batch, training=True)

    def run() -> None:
        total, _ = model.parse_losses(model(**data, mode='loss'))
        total.backward()
        model.zero_grad()

    return run


def discriminator_passes(num_classes: int) -> Way:
    """Forward and backward pass of a discriminator's own step."""
    discriminator = MODELS.build(
        dict(type='DSCDiscriminator', num_classes=num_classes)
    ).to(get_device())
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(BATCH, num_classes, *SIZE, generator=draw)
    maps = logits.softmax(1).to(get_device())

    def run() -> None:
        judged = discriminator(maps)
        F.binary_cross_entropy_with_logits(judged, torch.ones_like(judged)).backward()
        discriminator.zero_grad()

    return run


def evaluations(num_classes: int) -> dict[str, Way]:
    """What the metrics do with one image, on the CPU."""
    things = range(num_classes // 2, num_classes)
    batch = panoptic_batch(2, EVALUATED_SIZE, num_classes, things)
    truth, prediction = (
        sample.gt_panoptic_seg.data[0].numpy() for sample in batch['data_samples']
    )
    # A prediction has no void where a network has to decide.
    prediction[prediction == VOID_CODE] = 0
    classes, predicted_classes = truth // LABEL_DIVISOR, prediction // LABEL_DIVISOR
    codes = torch.from_numpy(prediction).unique()
    codes = codes[codes % LABEL_DIVISOR > 0].numpy()
    scores = torch.linspace(0.5, 1, len(codes)).numpy()
    metric = PerClassIoUMetric()
    metric.dataset_meta = dict(classes=[str(index) for index in range(num_classes)])
    sample = dict(
        gt_sem_seg=dict(data=torch.from_numpy(classes)[None]),
        pred_sem_seg=dict(data=torch.from_numpy(predicted_classes)[None]),
    )
    tally = PanopticTally(num_classes, things)
    return {
        'PerClassIoUMetric': lambda: metric.process({}, [sample]),
        'PanopticTally': lambda: tally.add_image(
            truth, prediction, codes, scores, classes, predicted_classes
        ),
    }


def worker_step_times(cfg: Config, repeats: int) -> dict:
    """Time whole training steps in this process and all others of its group.

    Returns:
        What :func:`timing.time_ways` returns of a step.
    """
    initialize_process_group('pytorch', cfg.env_cfg)
    model = build_network(cfg, cfg.model.decode_head.num_classes)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    if get_world_size() > 1:
        model = MODEL_WRAPPERS.build(dict(cfg.model_wrapper_cfg, module=model))
    batch = segmentation_batch(
        BATCH, SIZE, cfg.model.decode_head.num_classes, seed=get_rank()
    )
    return time_ways({'step': lambda: model.train_step(batch, optimizer)}, repeats)[
        'step'
    ]


def steps_in_processes(args: argparse.Namespace, processes: int) -> dict:
    """Time training steps in processes of their own, one thread each."""
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += [f'--nproc_per_node={processes}', *sys.argv, '--worker']
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )
    return json.loads(done.stdout.splitlines()[-1])


def time_points(ways: Mapping[float, Way], repeats: int) -> list[dict]:
    """Time ways by their x, in turns.

    Returns:
        Points in milliseconds as :func:`segda_mm.visualization.scaling_figure` wants
        them, on CUDA with ``gpu_peak_mib``.
    """
    points = []
    for x, timing in time_ways(ways, repeats).items():
        low, high = timing['quartiles']
        point = dict(x=x, y=timing['median'], low=low, high=high)
        if 'gpu_peak_mib' in timing:
            point['gpu_peak_mib'] = timing['gpu_peak_mib']
        points.append(point)
    return points


def panel(title: str, x_label: str, y_label: str, curves: dict) -> dict:
    """A panel of the figure, with the slope of every curve."""
    slopes = {
        name: round(
            power_law_exponent(*zip(*((point['x'], point['y']) for point in points))), 3
        )
        for name, points in curves.items()
        if len(points) > 1
    }
    return dict(
        title=title, x_label=x_label, y_label=y_label, curves=curves, slopes=slopes
    )


def measure(cfg: Config, args: argparse.Namespace) -> list[dict]:
    """All panels, see :func:`segda_mm.visualization.scaling_figure`."""
    classes = cfg.model.decode_head.num_classes
    model = build_network(cfg, classes)
    step = 'forward and backward'
    size_ways = {
        height * width: passes(model, (height, width), BATCH, classes)
        for height, width in SIZES
    }
    panels = [
        panel(
            f'image size, batch {BATCH}',
            'pixels of an image',
            'ms',
            {step: time_points(size_ways, args.repeats)},
        )
    ]
    shape = f'{SIZE[1]}x{SIZE[0]}'
    batch_ways = {batch: passes(model, SIZE, batch, classes) for batch in BATCHES}
    panels.append(
        panel(
            f'batch size, {shape}',
            'images of a batch',
            'ms',
            {step: time_points(batch_ways, args.repeats)},
        )
    )
    class_ways = {
        f'{step}, {shape}': {
            number: passes(build_network(cfg, number), SIZE, BATCH, number)
            for number in CLASSES
        },
        'discriminator': {number: discriminator_passes(number) for number in CLASSES},
    }
    evaluated = {number: evaluations(number) for number in CLASSES}
    for name in evaluated[CLASSES[0]]:
        key = f'{name}, {EVALUATED_SIZE[1]}x{EVALUATED_SIZE[0]}'
        class_ways[key] = {number: ways[name] for number, ways in evaluated.items()}
    panels.append(
        panel(
            'classes',
            'classes',
            'ms',
            {
                name: time_points(ways, args.repeats)
                for name, ways in class_ways.items()
            },
        )
    )
    panels.append(measure_processes(args))
    return panels


def measure_processes(args: argparse.Namespace) -> dict:
    """The panel of training's throughput, with the same batch in every process."""
    points = []
    for number in PROCESSES:
        if torch.cuda.is_available() and number > torch.cuda.device_count():
            continue
        timing = steps_in_processes(args, number)
        low, high = timing['quartiles']
        fast, median, slow = (
            round(1000 * number * BATCH / ms, 3) for ms in (low, timing['median'], high)
        )
        points.append(dict(x=number, y=median, low=slow, high=fast))
    return panel(
        f'processes, batch {BATCH} in each',
        'processes of one thread',
        'images a second',
        {'training step': points},
    )


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    if args.worker:
        torch.set_num_threads(1)
        timing = worker_step_times(cfg, args.repeats)
        if get_rank() == 0:
            print(json.dumps(timing))
        leave_process_group()
        return
    origin = provenance()
    torch.set_num_threads(args.threads)
    panels = measure(cfg, args)
    for drawn in panels:
        for name, points in drawn['curves'].items():
            print(f'{drawn["title"]}: {name}')
            print(f'{drawn["x_label"]:>24} {drawn["y_label"]:>16} {"quartiles":>20}')
            for point in points:
                spread = f'{point["low"]:.2f} to {point["high"]:.2f}'
                print(f'{point["x"]:>24} {point["y"]:>16.2f} {spread:>20}')
            if name in drawn['slopes']:
                print(f'{"slope":>24} {drawn["slopes"][name]:>16.2f}')
    row = dict(
        benchmark='scaling',
        config=args.config,
        threads=args.threads,
        device=get_device(),
        panels=panels,
        load_average=round(os.getloadavg()[0], 2),
        **origin,
    )
    report(row, args.out)
    if args.plot:
        save_scaling_figure(panels, args.plot)


if __name__ == '__main__':
    main()
