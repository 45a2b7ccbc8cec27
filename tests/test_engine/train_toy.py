"""A toy adversarial training that tests run, kill and resume.

Everything random is in it: augmentation from three generators, dropout, batch
normalization, two optimizers with schedules by iteration and by epoch. As a
script it forks the processes of each run it is given, of the toy or of a config,
and does nothing with torch itself, so that the forks are clean.
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
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import nn

from segda_mm.apis import leave_process_group, load_config, train
from segda_mm.engine import AdaptationRunner, initialize_process_group
from segda_mm.registry import DATASETS, HOOKS, METRICS, MODELS

#: A toy whose only optimizer is that of the generator.
ONE_NETWORK = dict(type='ToyAdversarial', adversarial=False)

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
    """A generator and a discriminator, stepped one after the other.

    Without the discriminator's step there is one network to train.
    """

    def __init__(self, norm=True, dropout=0.5, adversarial=True):
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
        ).requires_grad_(adversarial)
        self.adversarial = adversarial

    def init_weights(self):
        torch.manual_seed(0)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.5, 0.5)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.generator(inputs)

    def student_losses(self, inputs):
        logits = self.generator(inputs)
        return logits.square().mean() + self.discriminator(logits).mean(), logits

    def train_step(self, data, optim_wrapper):
        inputs = torch.stack(data['inputs'])
        with optim_wrapper['generator'].optim_context(self.generator):
            loss, logits = self.student_losses(inputs)
        optim_wrapper['generator'].update_params(loss)
        if not self.adversarial:
            return dict(loss=loss.detach())
        optim_wrapper['discriminator'].zero_grad()
        loss_d = (self.discriminator(logits.detach()) - 1).square().mean()
        optim_wrapper['discriminator'].update_params(loss_d)
        return dict(loss=loss.detach(), loss_d=loss_d.detach())

    def val_step(self, data):
        return [self.generator(image[None]) for image in data['inputs']]


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
    **changes,
):
    """The Runner's arguments."""
    wrapper = 'GradientAveragingOptimWrapper'
    arguments = dict(
        model=model or dict(type='ToyAdversarial'),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=dict(type='ToyImages'),
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
    if model == ONE_NETWORK:
        del arguments['optim_wrapper']['discriminator']
        del arguments['param_scheduler']['discriminator']
    arguments.update(changes)
    return arguments


def train_toy(**options):
    """Train the toy to its end and return the Runner."""
    torch.set_num_threads(1)
    runner = ToyRunner(**toy_config(**options))
    runner.train()
    return runner


def train_config(config, work_dir, rank=0, resume=None, hooks=(), **options):
    """Train a config to its end; write the process's figures and weights."""
    torch.set_num_threads(1)
    cfg = load_config(config, options, work_dir)
    cfg.custom_hooks = list(hooks)
    runner = train(cfg, resume)
    figures = {
        name: float(values.current())
        for name, values in runner.message_hub.log_scalars.items()
        if name.startswith('val/') and not name.endswith('time')
    }
    model = getattr(runner.model, 'module', runner.model)
    torch.save(
        dict(figures=figures, weights=model.state_dict()),
        f'{work_dir}/process_{rank}.pth',
    )


def _fork(options, rank, world_size):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if world_size > 1:
            os.environ.update(
                RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
            )
        if 'config' in options:
            options['launcher'] = 'pytorch' if world_size > 1 else 'none'
            train_config(**options, rank=rank)
        else:
            if world_size > 1:
                initialize_process_group('pytorch')
                wrapper = dict(type='PassThroughDistributed')
                options.update(launcher='pytorch', cfg=dict(model_wrapper_cfg=wrapper))
            train_toy(**options)
        leave_process_group()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main():
    """Fork the runs given as JSON; print the exit codes of each one's processes."""
    DefaultScope.get_instance('toy', scope_name='mmseg')
    # Both cost seconds in every process.
    AdaptationRunner._log_env = lambda *_: None
    Config.pretty_text = property(lambda cfg: repr(cfg.to_dict()))
    ends = []
    for options in json.loads(sys.argv[1]):
        world_size = options.pop('world_size', 1)
        pids = [_fork(options, rank, world_size) for rank in range(world_size)]
        ends.append([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids])
    print(json.dumps(ends))


if __name__ == '__main__':
    main()
