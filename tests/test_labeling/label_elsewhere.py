"""Forks one process for each labelling it is given as JSON, or several.

Does nothing with torch itself, so that the forks are clean. ``kill_at`` is the
number of the label at whose writing a process kills itself.
"""

import json
import os
import signal
import sys
import traceback

import torch

from segda_mm.apis import label, leave_process_group, load_config
from segda_mm.labeling import LabelStore


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


def run(options, rank, world_size):
    torch.set_num_threads(1)
    if options.get('kill_at'):
        kill_at(options['kill_at'])
    cfg = load_config(options['config'])
    if world_size > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size)
        )
        cfg.launcher = 'pytorch'
    label(
        cfg,
        options['checkpoint'],
        options['images'],
        options['out'],
        **options.get('label', {}),
    )
    leave_process_group()


def fork(options, rank, world_size):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        run(options, rank, world_size)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def main():
    statuses = []
    for options in json.loads(sys.argv[1]):
        world_size = options.get('world_size', 1)
        pids = [fork(options, rank, world_size) for rank in range(world_size)]
        statuses.append(
            [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        )
    print(json.dumps(statuses))


if __name__ == '__main__':
    main()
