"""A training in a process of its own, which may kill itself."""

import os
import signal

import mmengine.runner.runner
import torch
from mmengine.hooks import Hook

from segda_mm.apis import load_config, train
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class KillHook(Hook):
    """SIGKILL of the own process at a given point of training."""

    priority = 'VERY_HIGH'

    def __init__(self, point, iteration):
        self.point, self.iteration = point, iteration

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
        def write_half(checkpoint, path, **kwargs):
            with open(path, 'wb') as stream:
                stream.write(b'half')
            os.kill(os.getpid(), signal.SIGKILL)

        if self.point == 'write' and runner.iter == self.iteration:
            mmengine.runner.runner.save_checkpoint = write_half


def run(
    rank, world_size, config, work_dir, hooks=(), kill=None, resume=None, **options
):
    """Train a config to its end; write the process's figures and weights."""
    if world_size > 1:
        options['launcher'] = 'pytorch'
    cfg = load_config(config, options, work_dir)
    cfg.custom_hooks = list(hooks)
    if kill:
        cfg.custom_hooks.append(dict(type='KillHook', point=kill[0], iteration=kill[1]))
    runner = train(cfg, resume)
    figures = {
        name: float(values.current())
        for name, values in runner.message_hub.log_scalars.items()
        if name.startswith('val/') and not name.endswith('time')
    }
    model = getattr(runner.model, 'module', runner.model)
    content = dict(figures=figures, weights=model.state_dict())
    torch.save(content, f'{work_dir}/process_{rank}.pth')
