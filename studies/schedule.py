"""Which runs are to be done, in what order, and several of them at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from .definition import Run
from .experiment_error import ExperimentError
from .results import Results
from .study import Study

#: Seconds between two looks at the runs in progress.
_PATIENCE = 0.2


@dataclass(frozen=True)
class Task:
    """A run with a seed that is to be carried out.

    Attributes:
        run: The run.
        seed: None for a measurement.
        state: ``'missing'``, ``'cut'`` where it can go on, or ``'again'`` where
            its results are there and only its checkpoint is needed.
    """

    run: Run
    seed: int | None
    state: str

    @property
    def key(self) -> tuple[str, int | None]:
        """What tells it from the others."""
        return self.run.name, self.seed

    @property
    def needs(self) -> set[tuple[str, int | None]]:
        """The keys of those that have to be done first."""
        return {(name, self.seed) for name in self.run.needs}

    def __str__(self) -> str:
        return self.run.name + ('' if self.seed is None else f', seed {self.seed}')


def choose(
    study: Study, seeds: Sequence[int] | None = None, only: Sequence[str] | None = None
) -> list[tuple[Run, int | None]]:
    """The runs that a call is about: all of the lowest seed first.

    Args:
        study: Of the experiment.
        seeds: Of those of the experiment; None for all.
        only: Names of runs; None for all.

    Raises:
        ExperimentError: the experiment has no such seed or run.
    """
    experiment = study.experiment
    for seed in seeds or ():
        if seed not in experiment.seeds:
            raise ExperimentError(
                f'--seeds {seed}: {experiment.path} has {experiment.seeds}'
            )
    for name in only or ():
        if name not in experiment.runs:
            raise ExperimentError(
                f'--only {name!r} is no run of {experiment.path}; it has '
                f'{", ".join(map(repr, experiment.runs))}'
            )
    runs = [run for name, run in experiment.runs.items() if not only or name in only]
    chosen = sorted(seeds or experiment.seeds)
    once = [(run, None) for run in runs if run.kind == 'measurement']
    return once + [
        (run, seed) for seed in chosen for run in runs if run.kind != 'measurement'
    ]


def tasks_for(
    study: Study, results: Results, chosen: Iterable[tuple[Run, int | None]]
) -> list[Task]:
    """What has to be carried out for the results of some runs.

    Runs whose checkpoints are needed come before those that need them, also where
    they were not chosen.

    Args:
        study: Of the experiment.
        results: That are there.
        chosen: As :func:`choose` gives them.
    """
    tasks: dict[tuple[str, int | None], Task] = {}

    def add(run: Run, seed: int | None, for_its_checkpoint: bool) -> None:
        missing = results.missing(run, seed)
        folder = study.folder(run, seed)
        lacks_checkpoint = for_its_checkpoint and study.checkpoint(run, seed) is None
        if (run.name, seed) in tasks or not (missing or lacks_checkpoint):
            return
        for name in run.needs:
            add(study.experiment.runs[name], seed, for_its_checkpoint=True)
        whole = 'missing' if missing else 'again'
        state = 'cut' if folder.is_cut() else whole
        tasks[run.name, seed] = Task(run, seed, state)

    for run, seed in chosen:
        add(run, seed, for_its_checkpoint=False)
    return list(tasks.values())


def expected_minutes(run: Run, results: Results) -> float | None:
    """How long a run may take: as earlier ones of it did, or of its config.

    Args:
        run: The run.
        results: Earlier ones of the experiment.

    Returns:
        Minutes; None where nothing is known.
    """
    own = _minutes(row for row in results.rows if row['run'] == run.name)
    if own or run.config is None:
        alike = own
    else:
        alike = _minutes(row for row in results.rows if row['config'] == run.config)
    return mean(alike) if alike else run.minutes


def _minutes(rows: Iterable[dict]) -> list[float]:
    # All rounds of a plan are done in one go.
    goes = {
        (row['run'], row['seed'], row['config_hash']): row['train_minutes']
        if row.get('train_minutes') is not None
        else row['minutes']
        for row in rows
    }
    return list(goes.values())


def run_tasks(
    study: Study,
    tasks: Sequence[Task],
    jobs: int,
    say: Callable[[str], None] = print,
) -> bool:
    """Carry out runs, each in a process of its own, several at once.

    A run starts when the one it needs is done; the first that can start does. Where
    one fails, those that need it are left out, and the others go on.

    Args:
        study: Of the experiment.
        tasks: As :func:`tasks_for` gives them.
        jobs: Runs at once; they share the processor's cores evenly.
        say: Told what begins, ends and fails.

    Returns:
        Whether all of them ended well.
    """
    waiting = list(tasks)
    running: list[_Child] = []
    failed: set[tuple[str, int | None]] = set()
    total, done = len(tasks), 0
    try:
        while waiting or running:
            for task in [task for task in waiting if task.needs & failed]:
                waiting.remove(task)
                failed.add(task.key)
                names = ', '.join(sorted(name for name, _ in task.needs & failed))
                say(f'{task}: left out, because {names} failed')
            unfinished = {task.key for task in waiting}
            unfinished |= {child.task.key for child in running}
            ready = [task for task in waiting if not task.needs & unfinished]
            for task in ready[: jobs - len(running)]:
                waiting.remove(task)
                running.append(_Child(study, task, jobs))
                say(f'{task}: begins')
            for child in [child for child in running if child.has_ended()]:
                running.remove(child)
                done += 1
                if child.went_well():
                    say(f'{child.task}: done ({done} of {total})')
                else:
                    failed.add(child.task.key)
                    say(f'{child.task}: failed; {child.last_words()}')
            if running:
                time.sleep(_PATIENCE)
    finally:
        for child in running:
            child.end()
    return not failed


class _Child:
    """A process that carries out one run."""

    def __init__(self, study: Study, task: Task, jobs: int) -> None:
        self.task = task
        folder = study.folder(task.run, task.seed)
        folder.prepare()
        self.output = folder.output
        threads = str(max(1, _num_cores() // jobs))
        with self.output.open('a', encoding='utf-8') as stream:
            self.process = subprocess.Popen(
                _command(study, task),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads),
            )

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def went_well(self) -> bool:
        return self.process.returncode == 0

    def last_words(self) -> str:
        text = self.output.read_text(encoding='utf-8', errors='replace')
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f'{self.output} ends with: {lines[-1] if lines else "nothing"}'

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def _command(study: Study, task: Task) -> list[str]:
    command = [sys.executable, str(Path('tools', 'experiment.py'))]
    command += [str(study.experiment.path), '--carry-out', task.run.name]
    if task.seed is not None:
        command += ['--seed', str(task.seed)]
    command += ['--work-dir', str(study.work_dir)]
    command += ['--results', str(study.results_file)]
    return [*command, '--parent', str(os.getpid())]


def _num_cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
