"""An experiment with its configs' hashes, its folders and its results."""

from __future__ import annotations

from pathlib import Path

from .definition import Experiment, Run
from .results import Results
from .run_config import config_hashes
from .run_folder import RunFolder, slug


def results_file(experiment: Experiment) -> Path:
    """Where the results of an experiment are kept, below the project."""
    return Path('studies/results', f'{experiment.stem}.jsonl')


class Study:
    """An experiment where it is carried out.

    Args:
        experiment: The experiment.
        work_dir: Below it, ``<experiment>/<run>/seed<N>`` is the folder of a run;
            other experiments have theirs there as well.
        results_file: JSON lines of results.

    Raises:
        ExperimentError: a config cannot be read.
    """

    def __init__(
        self, experiment: Experiment, work_dir: str | Path, results_file: str | Path
    ) -> None:
        self.experiment = experiment
        self.work_dir = Path(work_dir)
        self.results_file = Path(results_file)
        self.hashes = config_hashes(experiment)

    def results(self) -> Results:
        """What the file of results holds at this moment."""
        return Results(self.experiment, self.hashes, self.results_file)

    def folder(self, run: Run, seed: int | None) -> RunFolder:
        """The folder of a run with a seed; None is that of a measurement."""
        path = self.work_dir / self.experiment.stem / slug(run.name)
        return RunFolder(path / _folder_name(seed), self.hashes[run.name])

    def checkpoint(self, run: Run, seed: int | None) -> Path | None:
        """The last checkpoint of a finished run, or of its like elsewhere.

        Its like has the same config and seed in another experiment, or had another
        name in this one; None if neither is finished.
        """
        pattern = f'*/*/{_folder_name(seed)}/run.json'
        elsewhere = [path.parent for path in sorted(self.work_dir.glob(pattern))]
        for path in (self.folder(run, seed).path, *elsewhere):
            found = RunFolder(path, self.hashes[run.name]).last_checkpoint()
            if found is not None:
                return found
        return None


def _folder_name(seed: int | None) -> str:
    return 'once' if seed is None else f'seed{seed}'
