"""What of an experiment is done, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Sequence

from .definition import Run
from .results import Results
from .schedule import Task, expected_minutes
from .study import Study


def progress_table(
    study: Study,
    results: Results,
    chosen: Sequence[tuple[Run, int | None]],
    tasks: Sequence[Task],
    jobs: int,
) -> str:
    """A table of runs and seeds, and the time that what is missing may take.

    Args:
        study: Of the experiment.
        results: That are there.
        chosen: The runs and seeds to show.
        tasks: What is to be done for them.
        jobs: Runs at once.

    Returns:
        Lines of text: ``done``, ``cut``, ``missing`` or ``again`` (there, but its
        checkpoint is needed once more) for each seed, and minutes.
    """
    states = {(run.name, seed): 'done' for run, seed in chosen}
    states.update({task.key: task.state for task in tasks})
    runs = {run.name: run for run, _ in [*chosen, *_pairs(tasks)]}.values()
    # A measurement is carried out once, and has a column of its own.
    seeds = list(dict.fromkeys(seed for _, seed in states))
    columns = ['once' if seed is None else f'seed {seed}' for seed in seeds]
    head = ['run', *columns, 'minutes each']
    rows = [head]
    for run in runs:
        cells = [states.get((run.name, seed), '') for seed in seeds]
        minutes = expected_minutes(run, results)
        rows.append([run.name, *cells, '?' if minutes is None else f'{minutes:.1f}'])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]
    return '\n'.join([*lines, '', _total(tasks, results, jobs)])


def _pairs(tasks: Sequence[Task]) -> list[tuple[Run, int | None]]:
    return [(task.run, task.seed) for task in tasks]


def _total(tasks: Sequence[Task], results: Results, jobs: int) -> str:
    minutes = [expected_minutes(task.run, results) for task in tasks]
    known = [value for value in minutes if value is not None]
    text = f'{len(tasks)} runs to do: {sum(known):.1f} minutes'
    if len(known) < len(minutes):
        text += f' and {len(minutes) - len(known)} runs of unknown length'
    return f'{text}; {sum(known) / jobs:.1f} with {jobs} at once'
