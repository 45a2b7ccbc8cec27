import json

import pytest

from studies.read_experiment import read_experiment
from studies.study import Study
from segda_mm.testing.toy_job import write_toy_job


class World:
    """An experiment on toy configs, where results are written by hand."""

    def __init__(self, folder):
        self.folder = folder
        self.config = str(write_toy_job(folder))
        self.file = folder / 'streets.py'
        self.lines = folder / 'streets.jsonl'
        self.content = dict(
            title='Streets',
            seeds=[0, 1, 2],
            runs={
                'source': dict(config=self.config),
                'DSC': dict(config=self.config, options={'train_cfg.max_epochs': 3}),
                'DSC + PL': dict(
                    config=self.config, start_from=dict(run='DSC', keys=['load_from'])
                ),
                'oracle': dict(config=self.config, options={'randomness.seed': 9}),
            },
        )

    def write(self, **content):
        self.content.update(content)
        self.file.write_text(
            ''.join(f'{key} = {value!r}\n' for key, value in self.content.items())
        )
        return self.file

    def study(self, **content):
        experiment = read_experiment(self.write(**content))
        return Study(experiment, self.folder / 'work_dirs', self.lines)

    def add(self, study, result, seed, hash=None, **entries):
        """Append a line: of the present config, if no other hash is given."""
        run = study.experiment.run_of(result).name
        row = dict(
            experiment='streets',
            run=run,
            method=result,
            seed=seed,
            metrics=dict(mIoU=0.0),
            config=study.experiment.runs[run].config,
            minutes=1.0,
            config_hash=hash or study.hashes[run],
            data_hash='d',
            environment=dict(python='3.11', threads=1),
            commit='abc',
            date='2026-01-02',
            machine='2 CPU cores',
        )
        row.update(entries)
        with self.lines.open('a') as stream:
            stream.write(json.dumps(row) + '\n')

    def add_mIoU(self, study, **values):
        for result, figures in values.items():
            for seed, figure in enumerate(figures):
                self.add(
                    study, result.replace('_', ' + '), seed, metrics=dict(mIoU=figure)
                )


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
