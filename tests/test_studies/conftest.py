import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Studies are no part of the package: a checkout alone has them.
for folder in (ROOT / 'studies' / 'benchmarks', ROOT):
    sys.path.insert(0, str(folder))

from segda_mm.testing.toy_job import write_toy_job
from studies.progress import Runs
from studies.study import Row, Study


class World:
    """A study on toy configs, whose lines are written by hand."""

    def __init__(self, folder):
        self.folder = folder
        self.config = str(write_toy_job(folder))
        self.lines = folder / 'results' / 'streets.jsonl'
        self.rows = [
            Row('source', self.config),
            Row('DSC', self.config, [{'train_cfg.max_epochs': 3}]),
            Row('DSC + PL', self.config, start={'DSC': ['load_from']}),
            Row('DSC, TTA', of='DSC', tta=True),
        ]

    def study(self, **parts):
        parts = dict(title='Streets', introduction='Toys.', seeds=(0, 1, 2)) | parts
        return Study(rows=parts.pop('rows', self.rows), name='streets', **parts)

    def runs(self, study=None, **options):
        return Runs(study or self.study(), self.folder / 'work', self.lines, **options)

    def add(self, result, seed, config_hash='h', file=None, **entries):
        row = next(row for row in self.rows if row.owns(result))
        line = dict(
            run=row.name,
            method=result,
            seed=seed,
            metrics=dict(mIoU=0.0),
            minutes=2.0,
            config_hash=config_hash,
            commit='abc',
            date='2026-01-02',
            machine='2 CPU cores',
        )
        file = file or self.lines
        file.parent.mkdir(exist_ok=True)
        with file.open('a') as stream:
            stream.write(json.dumps(line | entries) + '\n')

    def add_mIoU(self, **values):
        for result, figures in values.items():
            for seed, figure in enumerate(figures):
                self.add(result.replace('_', ' + '), seed, metrics=dict(mIoU=figure))

    def read(self):
        lines = self.lines.read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Where configs and data are found from, and back."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
