"""The results of an experiment: the lines that are of today's configs of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studies.results_file import read_rows

from .definition import Experiment, Run


class Results:
    """The lines of a results file that belong to an experiment as it is now.

    A line of another config than the present one does not count; the file keeps
    it. Of several lines of one result and seed the last one counts. What the file
    lacks is taken from another experiment, whose file lies beside it, if a run there
    has the same config and seed, and from a run of this one that has another name
    now; but not rounds of a plan.

    Args:
        experiment: The experiment.
        hashes: Of the configs of its runs.
        file: Of JSON lines; it need not exist.

    Attributes:
        num_stale: Lines that were passed over because their config has changed.
        rows: All lines of the experiment's runs in its file, stale ones included.
    """

    def __init__(
        self, experiment: Experiment, hashes: Mapping[str, str], file: str | Path
    ) -> None:
        self.experiment = experiment
        self.rows = [
            row
            for row in read_rows(file)
            if row['experiment'] == experiment.stem and row['run'] in experiment.runs
        ]
        self._current = _of_other_names(experiment, hashes, Path(file))
        for row in self.rows:
            known = row['method'] in experiment.results[row['run']]
            if known and row['config_hash'] == hashes[row['run']]:
                self._current[row['method'], row['seed']] = row
        self.num_stale = sum(
            row['config_hash'] != hashes[row['run']] for row in self.rows
        )

    def of(self, result: str) -> list[dict[str, Any]]:
        """The lines of a result, one a seed, by rising seed.

        Of a seed that the experiment no longer lists, there is none. A line of
        another experiment keeps that name, and has the names of run and result here.
        """
        seeds = self.experiment.seeds_of(self.experiment.run_of(result))
        found = ((result, seed) for seed in seeds)
        return [self._current[key] for key in found if key in self._current]

    def missing(self, run: Run, seed: int | None) -> list[str]:
        """Those results of a run that have no line yet."""
        return [
            result
            for result in self.experiment.results[run.name]
            if (result, seed) not in self._current
        ]


def _of_other_names(
    experiment: Experiment, hashes: Mapping[str, str], file: Path
) -> dict[tuple[str, int | None], dict[str, Any]]:
    names: dict[str, list[str]] = {}
    for name, results in experiment.results.items():
        if results == [name]:
            names.setdefault(hashes[name], []).append(name)
    found = {}
    for other in sorted(file.parent.glob('*.jsonl')):
        for row in read_rows(other):
            own = row['experiment'] == experiment.stem and row['run'] in experiment.runs
            if own or row['method'] != row['run']:
                continue
            for name in names.get(row['config_hash'], ()):
                found[name, row['seed']] = dict(row, run=name, method=name)
    return found
