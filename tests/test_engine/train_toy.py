"""A toy adversarial training that tests run, kill and resume.

Everything random is in it: augmentation from three generators, dropout, batch
normalization, two optimizers with schedules by iteration and by epoch. As a
script it forks one process for each run it is given, and does nothing with
torch itself, so that the forks are clean.
"""

import itertools
import json
import os
import random
import signal
import sys
import traceback

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch import nn

import segda_mm.datasets
import segda_mm.engine  # noqa: F401
from segda_mm.engine import AdaptationRunner, initialize_process_group
from segda_mm.registry import DATASETS, HOOKS, METRICS, MODELS

# Runners of one second and one name would share their message hub.
_RUN_NUMBERS = itertools.count()


@DATASETS.register_module(force=True)
class ToyImages:
    """Twelve images with augmentation from every random generator."""

    metainfo = dict(classes=('a', 'b'))

    def __init__(self, augment=True):
        self.augment = augment

    def full_init(self):
        pass

    def __len__(self):
        return 12

    def __getitem__(self, index):
        image = torch.full((3, 4, 4), float(index)) / 12
        if self.augment:
            image = image + random.random() + np.random.rand() + torch.rand(4)
        return dict(inputs=image, data_samples=index)


@MODELS.register_module(force=True)
class ToyAdversarial(BaseModel):
    """A generator and a discriminator, stepped one after the other."""

    def __init__(self, norm=True, dropout=0.5):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(4, 2, 1),
        )
        self.discriminator = nn.Sequential(
            nn.Conv2d(2, 4, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 1)
        )

    def init_weights(self):
        torch.manual_seed(0)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.5, 0.5)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.generator(inputs)

    def train_step(self, data, optim_wrapper):
        inputs = torch.stack(data['inputs'])
        logits = self.generator(inputs)
        loss = logits.square().mean() + self.discriminator(logits).mean()
        optim_wrapper['generator'].update_params(loss)
        optim_wrapper['discriminator'].zero_grad()
        loss_d = (self.discriminator(logits.detach()) - 1).square().mean()
        optim_wrapper['discriminator'].update_params(loss_d)
        return dict(loss=loss.detach(), loss_d=loss_d.detach())

    def val_step(self, data):
        return [self.generator(image[None]) for image in data['inputs']]


@MODELS.register_module(force=True)
class ToySegmentor(BaseModel):
    """A pixel classifier trained on target pseudo labels."""

    def __init__(self):
        super().__init__()
        self.generator = nn.Conv2d(3, 3, 1)
        self.modes = []

    def init_weights(self):
        nn.init.eye_(self.generator.weight.data.view(3, 3))
        nn.init.zeros_(self.generator.bias)

    def forward(self, inputs, data_samples=None, mode='predict'):
        self.modes.append(self.training)
        for image, sample in zip(inputs, data_samples):
            logits = self.generator(image[None].float() / 50)[0]
            sample.seg_logits = PixelData(data=logits)
        return data_samples

    def train_step(self, data, optim_wrapper):
        target = data['target']
        images = torch.stack(target['inputs']).float() / 50
        labels = torch.stack(
            [sample.gt_sem_seg.data[0] for sample in target['data_samples']]
        )
        noise = (
            torch.rand(1) + torch.stack(data['source']['inputs']).float().mean() / 255
        )
        losses = (
            nn.functional.cross_entropy(
                self.generator(images) * noise,
                labels.long(),
                ignore_index=255,
                reduction='sum',
            )
            / 100
        )
        optim_wrapper.update_params(losses)
        return dict(loss=losses.detach())


@METRICS.register_module(force=True)
class ToyMean(BaseMetric):
    """The mean output."""

    def process(self, data_batch, data_samples):
        self.results += [sample.mean().item() for sample in data_samples]

    def compute_metrics(self, results):
        return dict(acc=np.float32(np.mean(results)))


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """SIGKILL of the own process at a given point of training."""

    priority = 'VERY_HIGH'

    def __init__(self, point, iteration):
        self.point = point
        self.iteration = iteration

    def _kill_at(self, runner, point):
        if self.point == point and runner.iter == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._kill_at(runner, 'step')

    def after_train_epoch(self, runner):
        self._kill_at(runner, 'epoch end')

    def before_val(self, runner):
        self._kill_at(runner, 'validation')

    def before_save_checkpoint(self, runner, checkpoint):
        if self.point != 'write':
            return
        # Dies with half of the temporary file written.
        import mmengine.runner.runner as module

        def write_half(checkpoint, path, **kwargs):
            with open(path, 'wb') as stream:
                stream.write(b'half')
            self._kill_at(runner, 'write')
            os.remove(path)
            original(checkpoint, path, **kwargs)

        original = getattr(module.save_checkpoint, 'original', module.save_checkpoint)
        write_half.original = original
        module.save_checkpoint = write_half


class ToyRunner(AdaptationRunner):
    """Without the report on the machine, which costs a second a process."""

    def _log_env(self, env_cfg):
        pass


def toy_config(
    work_dir,
    kill=None,
    resume=False,
    num_workers=0,
    by_epoch=False,
    interval=4,
    save_best=None,
    batch_size=2,
    max_epochs=3,
    model=None,
    launcher='none',
    dataset=None,
    **changes,
):
    """The Runner's arguments."""
    wrapper = 'GradientAveragingOptimWrapper'
    arguments = dict(
        model=model or dict(type='ToyAdversarial'),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=dataset or dict(type='ToyImages'),
            batch_size=batch_size,
            num_workers=num_workers,
            sampler=dict(type='ResumableSampler', shuffle=True),
        ),
        train_cfg=dict(type='ResumableEpochTrainLoop', max_epochs=max_epochs),
        val_dataloader=dict(
            dataset=dict(type='ToyImages', augment=False),
            batch_size=4,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        val_cfg=dict(type='ValLoop'),
        val_evaluator=dict(type='ToyMean'),
        optim_wrapper=dict(
            constructor='ChildOptimWrapperConstructor',
            generator=dict(
                type=wrapper,
                clip_grad=dict(max_norm=1.0),
                optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
            ),
            discriminator=dict(type=wrapper, optimizer=dict(type='Adam', lr=0.01)),
        ),
        # MMEngine's `end` is one step after the rate reaches `eta_min`.
        param_scheduler=dict(
            generator=[dict(type='PolyLR', power=0.9, end=4, by_epoch=True)],
            discriminator=[dict(type='PolyLR', power=0.9, end=19, by_epoch=False)],
        ),
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook',
                by_epoch=by_epoch,
                interval=interval,
                save_best=save_best,
                max_keep_ckpts=2,
            )
        ),
        custom_hooks=[dict(type='KillHook', point=kill[0], iteration=kill[1])]
        if kill
        else [],
        randomness=dict(seed=3),
        default_scope='mmseg',
        log_level='WARNING',
        launcher=launcher,
        resume=resume,
        experiment_name=f'toy_{next(_RUN_NUMBERS)}',
    )
    arguments.update(changes)
    return arguments


def pseudo_label_config(images, epochs=(0, 2), **options):
    """The Runner's arguments for training on the images' pseudo labels."""
    metainfo = dict(classes=('a', 'b', 'c'), palette=[[0] * 3] * 3)
    keys = ('relative_path', 'ori_shape')

    def unlabelled(*transforms):
        return dict(
            type='UnlabeledImageDataset',
            images=str(images),
            metainfo=metainfo,
            pipeline=[
                dict(type='LoadImageFromFile'),
                *transforms,
                dict(type='PackSegInputs', meta_keys=keys),
            ],
        )

    hook = dict(
        type='MedianThresholdPseudoLabelHook',
        dataloader=dict(dataset=unlabelled(), batch_size=2, num_workers=0),
        epochs=epochs,
    )
    config = toy_config(
        model=dict(type='ToySegmentor'),
        dataset=dict(
            type='DomainPairDataset',
            source=unlabelled(),
            target=unlabelled(dict(type='LoadPseudoLabels')),
        ),
        optim_wrapper=dict(
            type='GradientAveragingOptimWrapper',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
        ),
        param_scheduler=[dict(type='PolyLR', end=4, by_epoch=True)],
        val_dataloader=None,
        val_cfg=None,
        val_evaluator=None,
        **options,
    )
    config['custom_hooks'].append(hook)
    return config


def train_toy(**options):
    """Train the toy to its end and return the Runner."""
    torch.set_num_threads(1)
    make_config = pseudo_label_config if 'images' in options else toy_config
    runner = ToyRunner(**make_config(**options))
    runner.train()
    return runner


def _fork(options, rank=None, world_size=1):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if rank is not None:
            os.environ.update(
                RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
            )
            initialize_process_group('pytorch')
            options = dict(
                options,
                launcher='pytorch',
                cfg=dict(model_wrapper_cfg=dict(type='PassThroughDistributed')),
            )
        train_toy(**options)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def main():
    """Fork the runs given as JSON; print how each of them ended."""
    DefaultScope.get_instance('toy', scope_name='mmseg')
    statuses = []
    for options in json.loads(sys.argv[1]):
        world_size = options.pop('world_size', 1)
        ranks = range(world_size) if world_size > 1 else [None]
        pids = [_fork(options, rank, world_size) for rank in ranks]
        statuses.append([os.waitpid(pid, 0)[1] for pid in pids])
    print(json.dumps(statuses))


if __name__ == '__main__':
    main()
