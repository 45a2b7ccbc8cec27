"""Run jobs in processes of their own: ``python fork_jobs.py SCRIPT JOBS``.

The script's ``run(rank, world_size, **job)`` is called in ``world_size`` forks (1), for
one job of the JSON list after the other. Nothing is done with torch here, so that the
forks are clean. Printed are, for each job, the exit codes of its processes and the
seconds from the first sign of the last one's end, or stop, to the others' ends.
"""

import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from mmengine.config import Config

from segda_mm.apis import leave_process_group
from segda_mm.engine import AdaptationRunner


def fork(run, rank, world_size, job):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        torch.set_num_threads(1)
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
        )
        run(rank, world_size, **job)
        leave_process_group()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def carry_out(run, job):
    world_size = job.pop('world_size', 1)
    *others, last = (fork(run, rank, world_size, job) for rank in range(world_size))
    # Also returns when the process is stopped.
    _, status = os.waitpid(last, os.WUNTRACED)
    begin = time.monotonic()
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in others]
    seconds = time.monotonic() - begin
    if os.WIFSTOPPED(status):
        os.kill(last, signal.SIGKILL)
        _, status = os.waitpid(last, 0)
    return [[*codes, os.waitstatus_to_exitcode(status)], seconds]


def main(script, jobs):
    spec = importlib.util.spec_from_file_location(Path(script).stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Both cost seconds in every process.
    AdaptationRunner._log_env = lambda *_: None
    Config.pretty_text = property(lambda cfg: repr(cfg.to_dict()))
    print(json.dumps([carry_out(module.run, job) for job in json.loads(jobs)]))


if __name__ == '__main__':
    main(*sys.argv[1:])
