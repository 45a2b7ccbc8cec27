"""Trains, labels or evaluates; with ``failure`` the last process stops or dies."""

import json
import os
import signal

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from segda_mm.apis import label, load_config
from segda_mm.apis.runner import build_runner
from segda_mm.engine import initialize_process_group
from segda_mm.evaluation import PerClassIoUMetric, PixelPrecision
from segda_mm.labeling import LabelStore
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class WriteFigures(Hook):
    """Write what each step logged, and the weights in the end, of each process."""

    def __init__(self):
        self.steps = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.steps.append({key: float(value) for key, value in outputs.items()})

    def after_train(self, runner):
        weights = {
            key.removeprefix('module.'): value
            for key, value in runner.model.state_dict().items()
        }
        torch.save(
            dict(steps=self.steps, weights=weights),
            f'{runner.work_dir}/figures_{get_rank()}.pth',
        )


@HOOKS.register_module()
class Fail(Hook):
    """Send this process a signal in its third step."""

    def __init__(self, name):
        self.name = name

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 2:
            fail(self.name)


def fail(name):
    os.kill(os.getpid(), signal.Signals[name])


def run_training(job, failure):
    cfg = load_config(job['config'], job.get('options'), job['out'])
    cfg.launcher = job['launcher']
    cfg.custom_hooks.append(dict(type='WriteFigures'))
    # A pixel whose two best classes are equal but for rounding may get another
    # pseudo label in another number of processes; in float64 it hardly does.
    torch.set_default_dtype(torch.float64)
    if failure:
        cfg.custom_hooks.append(dict(type='Fail', name=failure))
    build_runner(cfg).train()


def run_labelling(job, failure):
    if failure:
        LabelStore.write = lambda *args, **kwargs: fail(failure)
    cfg = load_config(job['config'])
    cfg.launcher = job['launcher']
    label(cfg, job['checkpoint'], job['images'], job['out'], num_workers=0)


def run_evaluation(job, failure):
    """Seven images; padded, both of two processes get four, the first one twice."""
    initialize_process_group(job['launcher'], dict(dist_cfg=dict(timeout=3)))
    if failure:
        fail(failure)
    draw = torch.Generator().manual_seed(0)
    images = [
        dict(
            pred_sem_seg=dict(data=torch.randint(3, (1, 30, 40), generator=draw)),
            gt_sem_seg=dict(data=torch.randint(4, (1, 30, 40), generator=draw)),
        )
        for _ in range(7)
    ]
    rank, world_size = job['rank'], job['world_size']
    shares = dict(
        whole=images[rank::world_size],
        padded=[*images, images[0]][rank::world_size],
    )
    figures = {}
    for name, share in shares.items():
        for metric in (PerClassIoUMetric(), PixelPrecision()):
            metric.dataset_meta = dict(classes=('a', 'b', 'c', 'd'))
            metric.process({}, share)
            figures[name] = figures.get(name, {}) | metric.evaluate(len(images))
    os.makedirs(job['out'], exist_ok=True)
    with open(f'{job["out"]}/figures_{rank}.json', 'w') as file:
        json.dump(figures, file)


def run(rank, world_size, kind, failure=None, **job):
    job.update(launcher='pytorch' if world_size > 1 else 'none')
    if kind == 'evaluate':
        job.update(rank=rank, world_size=world_size)
    kinds = dict(train=run_training, label=run_labelling, evaluate=run_evaluation)
    kinds[kind](job, failure if rank == world_size - 1 else None)
