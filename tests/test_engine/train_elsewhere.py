"""Forks the processes of each training it is given as JSON; prints their exit codes.

It does nothing with torch itself, so that the forks are clean.
"""

import json
import os
import signal
import sys
import traceback

import mmengine.runner.runner
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from segda_mm.apis import leave_process_group, load_config, train
from segda_mm.engine import AdaptationRunner
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


def train_config(config, work_dir, rank, hooks=(), kill=None, resume=None, **options):
    """Train a config to its end; write the process's figures and weights."""
    torch.set_num_threads(1)
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
            options['launcher'] = 'pytorch'
        train_config(**options, rank=rank)
        leave_process_group()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main():
    """Fork the trainings; print the exit codes of each one's processes."""
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
