"""The files of the folder `experiments`, without running them."""
from pathlib import Path

import pytest

from segda_mm.apis.preflight_keys import check_keys
from segda_mm.experiments.adaptation_runs import METHODS
from segda_mm.experiments.read_experiment import read_experiment
from segda_mm.experiments.run_config import config_hashes, run_config

ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in (ROOT / 'experiments').glob('*.py'))


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize('file', FILES)
def test_every_run_is_another_one_and_all_its_keys_are_read(file):
    experiment = read_experiment(Path('experiments', file))
    hashes = config_hashes(experiment)
    assert len(set(hashes.values())) == len(experiment.runs)
    for run in experiment.runs.values():
        if run.kind != 'measurement':
            cfg = run_config(experiment, run, 'work', seed=0, start='start.pth')
            check_keys(cfg)
            # What they start from, and what they run on, depends on the seed alone.
            assert cfg.randomness.seed == 0
            assert run.start_from is None or all(
                _at(cfg, key) == 'start.pth' for key in run.start_from.keys)


@pytest.mark.parametrize('file', ['camvid_day2dusk.py', 'minicity_game2real.py'])
def test_methods_differ_in_what_their_names_say(file):
    experiment = read_experiment(Path('experiments', file))
    configs = {
        name: run_config(experiment, run, 'work', seed=0)
        for name, run in experiment.runs.items()}
    assert {'source-only', 'source-only + aug', 'oracle', *METHODS,
            *(f'{name} + aug' for name in METHODS)} <= configs.keys()
    for name in ('source-only', *METHODS):
        plain, augmented = (
            _source(configs[key]).pipeline for key in (name, f'{name} + aug'))
        assert 'PhotoMetricDistortion' not in [step.type for step in plain]
        assert [step.type for step in augmented] == [
            *(step.type for step in plain[:-1]), 'PhotoMetricDistortion',
            'PackSegInputs']
    for name, method in METHODS.items():
        for suffix in ('', ' + aug'):
            start = experiment.runs[name + suffix].start_from
            assert (start and start.run) == (
                method.after and method.after + suffix)
        # The data of the target have no label loader.
        target = configs[name].train_dataloader.dataset.target
        assert 'LoadLabelIds' not in [step.type for step in target.pipeline]
    widths = {
        str(_segmentor(cfg).backbone.context_channels) for cfg in configs.values()}
    assert widths == {'(32, 64, 128)'}
    epochs = {name: cfg.train_cfg.max_epochs for name, cfg in configs.items()}
    for name in ('source-only', 'FCD', 'DSC', 'mean teacher', 'oracle'):
        assert epochs[name] == epochs['source-only + aug']


def _at(cfg, key):
    for part in key.split('.'):
        cfg = cfg[part]
    return cfg


def _source(cfg):
    dataset = cfg.train_dataloader.dataset
    return dataset.get('source', dataset)


def _segmentor(cfg):
    generator = cfg.model.get('generator')
    return cfg.model if generator is None else generator.segmentor
