"""A pixel classifier that labels its target images and trains on them.

A job is a labelling, a training, or in two processes what the hook does. ``kill`` is
the number of the label at whose writing, or of the step before which, a process kills
itself.
"""

import os
import signal
from types import SimpleNamespace
from unittest.mock import MagicMock

import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub, MMLogger
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch import nn

from segda_mm.apis import label, load_config
from segda_mm.engine import AdaptationRunner, initialize_process_group
from segda_mm.labeling import LabelStore, MedianThresholdPseudoLabelHook
from segda_mm.registry import HOOKS, MODELS


@MODELS.register_module(force=True)
class PixelClassifier(BaseModel):
    """Of an untrained one the probabilities are softmax(pixel / 50)."""

    def __init__(self):
        super().__init__()
        self.decode_head = nn.Conv2d(3, 3, 1)
        self.decode_head.num_classes = 3
        self.modes = []

    def init_weights(self):
        nn.init.eye_(self.decode_head.weight.data.view(3, 3))
        nn.init.zeros_(self.decode_head.bias)

    def forward(self, inputs, data_samples=None, mode='predict'):
        self.modes.append(self.training)
        for image, sample in zip(inputs, data_samples):
            logits = self.decode_head(image[None].float() / 50)[0]
            sample.seg_logits = PixelData(data=logits)
            sample.pred_sem_seg = PixelData(data=logits.argmax(0, keepdim=True))
        return data_samples

    def train_step(self, data, optim_wrapper):
        target = data['target']
        images = torch.stack(target['inputs']).float() / 50
        labels = torch.stack([s.gt_sem_seg.data[0] for s in target['data_samples']])
        source = torch.stack(data['source']['inputs']).float().mean() / 255
        logits = self.decode_head(images) * (torch.rand(1) + source)
        loss = nn.functional.cross_entropy(
            logits, labels.long(), ignore_index=255, reduction='sum'
        )
        optim_wrapper.update_params(loss / 100)
        return dict(loss=loss.detach())


@HOOKS.register_module(force=True)
class KillBeforeStep(Hook):
    """SIGKILL of the own process before a step."""

    def __init__(self, step):
        self.step = step

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def unlabelled(images, *transforms):
    return dict(
        type='UnlabeledImageDataset',
        images=str(images),
        metainfo=dict(classes=('a', 'b', 'c'), palette=[[0] * 3] * 3),
        pipeline=[
            dict(type='LoadImageFromFile'),
            *transforms,
            dict(type='PackSegInputs', meta_keys=('relative_path', 'img_path')),
        ],
    )


def config(images, work_dir, interval=4, kill=None, resume=False):
    """The runner's arguments: three epochs, labels before the first and the last."""
    hook = dict(
        type='MedianThresholdPseudoLabelHook',
        dataloader=dict(dataset=unlabelled(images), batch_size=2, num_workers=0),
        epochs=(0, 2),
    )
    target = unlabelled(images, dict(type='LoadPseudoLabels'))
    return dict(
        model=dict(type='PixelClassifier'),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=dict(
                type='DomainPairDataset', source=unlabelled(images), target=target
            ),
            batch_size=2,
            num_workers=0,
            sampler=dict(type='ResumableSampler', shuffle=True),
        ),
        train_cfg=dict(type='ResumableEpochTrainLoop', max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        param_scheduler=[dict(type='PolyLR', end=4, by_epoch=True)],
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook',
                by_epoch=False,
                interval=interval,
                max_keep_ckpts=2,
            )
        ),
        custom_hooks=[hook] + ([dict(type='KillBeforeStep', step=kill)] * bool(kill)),
        randomness=dict(seed=3),
        default_scope='mmseg',
        log_level='WARNING',
        resume=resume,
        experiment_name=str(work_dir).replace('/', '_'),
    )


def train(images, work_dir, **options):
    """Train to the end and return the runner."""
    runner = AdaptationRunner(**config(images, work_dir, **options))
    runner.train()
    return runner


def label_as_hook(images, work_dir, kill=None):
    """What the hook does before the first epoch, without a training."""
    initialize_process_group('pytorch')
    model = PixelClassifier()
    model.init_weights()
    loader = MagicMock(dataset=SimpleNamespace(pseudo_label_dir=None))
    loader.__len__.return_value = 3
    runner = SimpleNamespace(
        model=model,
        epoch=0,
        iter=0,
        seed=3,
        work_dir=work_dir,
        train_dataloader=loader,
        logger=MMLogger.get_current_instance(),
        message_hub=MessageHub.get_current_instance(),
    )
    hook = MedianThresholdPseudoLabelHook(
        dataloader=dict(dataset=unlabelled(images), batch_size=1, num_workers=0)
    )
    hook.before_train_epoch(runner)


def kill_at(number):
    write = LabelStore.write
    written = []

    def write_or_die(self, *args):
        written.append(args[0])
        if len(written) == number:
            # What a kill within the writing of a file leaves.
            path = self.path(args[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f'.{path.name}.1.unfinished').write_bytes(b'half')
            os.kill(os.getpid(), signal.SIGKILL)
        return write(self, *args)

    LabelStore.write = write_or_die


def run(rank, world_size, kill=None, **job):
    """Label, train, or in several processes do what the hook does."""
    DefaultScope.get_instance('toy', scope_name='mmseg')
    if 'config' not in job:
        (label_as_hook if world_size > 1 else train)(kill=kill, **job)
        return
    if kill:
        kill_at(kill)
    cfg = load_config(job.pop('config'))
    cfg.launcher = 'pytorch' if world_size > 1 else 'none'
    label(cfg, **job)
