"""Forks the processes of each job it is given as JSON; prints how they ended.

Does nothing with torch itself, so that the forks are clean. A job trains, labels
or evaluates in ``world_size`` processes; with ``failure`` the last of them stops
or dies on the way. Printed are, for each job, the exit codes and the seconds
between that failure, or the first end, and the last end.
"""

import json
import os
import signal
import sys
import time
import traceback

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from segda_mm.apis import label, leave_process_group, load_config
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


def run(job, rank):
    torch.set_num_threads(1)
    job = dict(job, rank=rank, launcher='none')
    if job['world_size'] > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(job['world_size'])
        )
        job['launcher'] = 'pytorch'
    is_last = rank == job['world_size'] - 1
    kinds = dict(train=run_training, label=run_labelling, evaluate=run_evaluation)
    kinds[job['kind']](job, job.get('failure') if is_last else None)
    leave_process_group()


def fork(job, rank):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        run(job, rank)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main():
    ends = []
    for job in json.loads(sys.argv[1]):
        *others, last = (fork(job, rank) for rank in range(job['world_size']))
        # Also returns when the process is stopped.
        _, status = os.waitpid(last, os.WUNTRACED)
        begin = time.monotonic()
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in others]
        seconds = time.monotonic() - begin
        if os.WIFSTOPPED(status):
            os.kill(last, signal.SIGKILL)
            _, status = os.waitpid(last, 0)
        ends.append([*codes, os.waitstatus_to_exitcode(status), seconds])
    print(json.dumps(ends))


if __name__ == '__main__':
    main()
