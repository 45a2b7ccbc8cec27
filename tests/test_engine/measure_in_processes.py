"""Forks the processes of each job it is given as JSON; prints how they ended.

A job trains a config with hooks in ``world_size`` processes, each of which then
writes its figures and its model's buffers. Does nothing with torch itself, so that
the forks are clean.
"""

import json
import os
import sys
import traceback

import torch
from mmengine.config import Config

from segda_mm.apis import leave_process_group, load_config
from segda_mm.apis.runner import build_runner
from segda_mm.engine import AdaptationRunner


def measure(job, rank):
    torch.set_num_threads(1)
    cfg = load_config(job['config'], job['options'], job['out'])
    cfg.custom_hooks = job['hooks']
    if job['world_size'] > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(job['world_size'])
        )
        cfg.launcher = 'pytorch'
    runner = build_runner(cfg)
    runner.train()
    model = getattr(runner.model, 'module', runner.model)
    figures = {
        name: values.current()
        for name, values in runner.message_hub.log_scalars.items()
        if name.startswith('val/') and not name.endswith('time')
    }
    torch.save(
        dict(figures=figures, weights=model.state_dict()),
        f'{job["out"]}/process_{rank}.pth',
    )
    leave_process_group()


def fork(job, rank):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        measure(job, rank)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main():
    # Both cost seconds in every process.
    AdaptationRunner._log_env = lambda *_: None
    Config.pretty_text = property(lambda cfg: repr(cfg.to_dict()))
    ends = []
    for job in json.loads(sys.argv[1]):
        pids = [fork(job, rank) for rank in range(job['world_size'])]
        ends += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    print(json.dumps(ends))


if __name__ == '__main__':
    main()
