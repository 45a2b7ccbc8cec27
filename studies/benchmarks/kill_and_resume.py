"""Kill trainings at random moments, resume them, and compare how they end.

Every method is trained at a tiny size without interruption. Then runs of it are
killed with SIGKILL while they train, and resumed, every second of them in a folder
that was moved meanwhile. Each must end as the uninterrupted run did, bit by bit:
weights, all optimizers, schedulers, logged figures, thresholds and pseudo labels;
and so must runs with other numbers of data-loader workers. Prints a line for each
method, and exits with 1 if a run ended otherwise.

One process imports everything once and forks a child for each run, because the
imports take longer than the run. What differs between two starts of Python, as the
seed of its hashes, is varied by tests/test_engine/test_resume.py.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import yapf.yapflib.yapf_api
from mmengine.runner import Runner

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from segda_mm.apis import load_config, self_train, train
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.testing.run_results import find_difference, results_of_run
from segda_mm.testing.tiny_methods import (
    TINY_METHODS,
    tiny_method_config,
    write_tiny_world,
)
from segda_mm.testing.toy_plan import labeled_frames, write_toy_plan
from studies.records import ROOT, append_row, provenance

PLAN = 'self_training'
METHODS = (*TINY_METHODS, PLAN)


class Job(NamedTuple):
    """What is to end the same however often it is cut.

    ``run`` begins it in a folder, or goes on there; ``last_file`` is the pattern of the
    file that it writes at its end.
    """

    method: str
    num_workers: int
    run: Callable[[Path], object]
    last_file: str


def training_job(method: str, num_workers: int, folder: Path) -> Job:
    """Twelve steps of a method, or nine, with a checkpoint after every second."""
    cfg = tiny_method_config(method, ROOT / 'configs', folder / 'world', num_workers)
    cfg.train_cfg.max_epochs = 3
    cfg.default_hooks.checkpoint.interval = 2

    def run(work_dir: Path) -> None:
        cfg.work_dir = str(work_dir)
        # As a user does: --resume is refused where there is nothing to resume.
        begun = find_resumable_checkpoint(cfg.work_dir) is not None
        train(cfg, resume='auto' if begun else None)

    steps = 9 if method == 'panoptic' else 12
    return Job(method, num_workers, run, f'iter_{steps}.pth')


def plan_job(num_workers: int, folder: Path) -> Job:
    """A teacher and two rounds, with random flips in every training."""
    plan = folder / 'plan' / 'configs' / 'plan.py'
    if not plan.exists():
        write_toy_plan(folder / 'plan')
    steps = ('LoadImageFromFile', 'LoadLabelIds', 'RandomFlip', 'PackSegInputs')
    pipeline = [dict(type=step) for step in steps]
    pipeline[2]['prob'] = 0.5
    flipped = dict(labeled_frames(folder / 'plan', 'train'), pipeline=pipeline)
    loader = dict(train_dataloader=dict(num_workers=num_workers, dataset=flipped))
    options = {
        'labeling.num_workers': num_workers,
        'teacher.options': loader,
        'rounds.0.student.options': loader,
        'rounds.1.student.options': loader,
    }

    def run(work_dir: Path) -> None:
        self_train(load_config(plan, options, work_dir=work_dir))

    return Job(PLAN, num_workers, run, 'report.json')


def fork(job: Job, work_dir: Path, kill_after: float | None = None) -> int:
    """Run a job in a child process, killed after so many seconds.

    Its output goes to ``<work_dir>.log``. Returns its exit status, or minus a signal.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _run_and_exit(job, work_dir)
    if kill_after is not None:
        time.sleep(kill_after)
        # Not yet waited for, so that its number still belongs to it.
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run_and_exit(job: Job, work_dir: Path) -> None:
    code = 1
    try:
        with _log(work_dir).open('a', encoding='utf-8') as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            try:
                job.run(work_dir)
                code = 0
            except BaseException:
                traceback.print_exc(file=stream)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Never back into the loop that forked it.
        os._exit(code)


def _log(work_dir: Path) -> Path:
    return work_dir.with_name(f'{work_dir.name}.log')


def uninterrupted(job: Job, work_dir: Path) -> tuple[float, float]:
    """Run a job to its end; after how many seconds it began, and ended, to train."""
    now = time.time()
    if fork(job, work_dir) != 0:
        log = _log(work_dir).read_text(errors='replace')
        raise SystemExit(f'{job.method} failed without being killed:\n{log[-3000:]}')
    # A training first writes its config; times of files are coarser than the clock.
    begun = min(file.stat().st_mtime for file in work_dir.rglob('*.py'))
    finished = max(file.stat().st_mtime for file in work_dir.rglob(job.last_file))
    return max(0.0, begun - now), finished - now


def killed_and_resumed(
    job: Job, work_dir: Path, kill_after: float, move: bool, expected: dict
) -> dict[str, Any] | None:
    """Kill a job once, resume it, and compare its end.

    Returns ``seconds`` to the kill, whether it met a ``training``, and the first
    ``difference``, if any; None if the job ended before the kill.
    """
    code = fork(job, work_dir, kill_after)
    if code == 0:
        shutil.rmtree(work_dir)
        return None
    training = any(work_dir.rglob('*.py')) and not any(work_dir.rglob(job.last_file))
    if move and work_dir.exists():
        work_dir = work_dir.rename(work_dir.with_name(f'{work_dir.name}-moved'))
    if code == -signal.SIGKILL:
        code = fork(job, work_dir)
    if code != 0:
        difference = f'ended with {code}, see {_log(work_dir)}'
    else:
        difference = find_difference(expected, results_of_run(work_dir))
    if difference is None:
        shutil.rmtree(work_dir)
    return dict(seconds=round(kill_after, 3), training=training, difference=difference)


def measure(
    job: Job,
    folder: Path,
    kills: int,
    draw: np.random.Generator,
    expected: dict | None = None,
) -> tuple[dict[str, Any], dict]:
    """Kill a job so many times.

    ``draw`` gives the moments. All runs are to have the results ``expected``, or those
    of the uninterrupted one. Returns the row of the table, and the results expected.
    """
    folder.mkdir(parents=True)
    first, last = uninterrupted(job, folder / 'whole')
    results = results_of_run(folder / 'whole')
    expected = results if expected is None else expected
    runs: list[dict[str, Any]] = []
    # For each kill that is asked for, two runs may end before it.
    for number in range(3 * kills):
        if len(runs) < kills:
            moment, move = draw.uniform(first, last), len(runs) % 2 == 0
            work_dir = folder / f'killed_{number}'
            run = killed_and_resumed(job, work_dir, moment, move, expected)
            runs += [run] if run is not None else []
    row = dict(
        benchmark='kill_and_resume',
        method=job.method,
        num_workers=job.num_workers,
        kills=len(runs),
        wanted_kills=kills,
        killed_training=sum(run['training'] for run in runs),
        identical=sum(run['difference'] is None for run in runs),
        uninterrupted_difference=find_difference(expected, results),
        compared=len(expected),
        runs=runs,
        seconds_of_a_run=round(last, 2),
    )
    return row, expected


def is_exact(row: dict[str, Any]) -> bool:
    """Whether all runs that were asked for ended alike."""
    same = row['kills'] == row['identical'] == row['wanted_kills']
    return same and row['uninterrupted_difference'] is None


def prepare() -> None:
    """Leave to the children one thread, nothing to import, and no idle work."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    import mmseg.datasets
    import mmseg.engine
    import mmseg.models
    import mmseg.visualization  # noqa: F401

    # Both take longer than all steps of a run, and no result depends on them: the
    # report on the machine, and the layout of the config's text at each checkpoint.
    Runner._log_env = lambda *_: None
    yapf.yapflib.yapf_api.FormatCode = lambda text, **_: (text, False)
    # Data sets collect garbage when they are built: among their own objects only.
    gc.freeze()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--methods', nargs='+', choices=METHODS, default=METHODS)
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 2])
    parser.add_argument('--kills', type=int, default=20, help='of each method')
    parser.add_argument('--seed', type=int, default=0, help='of the moments')
    parser.add_argument('--folder', help='to keep logs and runs that differ in')
    parser.add_argument('--out', help='results file to append a line a row to')
    args = parser.parse_args()
    origin = provenance()
    prepare()
    draw = np.random.default_rng(args.seed)
    exact = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.folder or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if set(args.methods) & set(TINY_METHODS):
            write_tiny_world(folder / 'world')
        for method in args.methods:
            expected = None
            for num_workers in args.workers:
                if method == PLAN:
                    job = plan_job(num_workers, folder)
                else:
                    job = training_job(method, num_workers, folder)
                place = folder / f'{method}_{num_workers}'
                row, expected = measure(job, place, args.kills, draw, expected)
                exact = exact and is_exact(row)
                different = [run for run in row['runs'] if run['difference']]
                print(
                    f'{method}, {num_workers} workers: {row["identical"]} of '
                    f'{row["kills"]} alike, {row["killed_training"]} killed while '
                    f'training; uninterrupted: '
                    f'{row["uninterrupted_difference"] or "alike"}',
                    *different,
                    flush=True,
                )
                if args.out:
                    append_row(args.out, dict(row, seed=args.seed, **origin))
    return 0 if exact else 1


if __name__ == '__main__':
    sys.exit(main())
