"""The files of the folder `experiments`, without running them."""

import runpy
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from segda_mm.experiments.adaptation_runs import METHODS
from segda_mm.experiments.component_runs import (
    MEAN_TEACHER_PARTS,
    UNLABELED_LOSSES,
)
from segda_mm.experiments.read_experiment import read_experiment
from segda_mm.experiments.run_config import config_hashes, run_config
from segda_mm.registry import MODELS

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
            starts = {name: f'{name}.pth' for name in run.needs}
            cfg = run_config(experiment, run, 'work', seed=0, starts=starts)
            # What they start from, and what they run on, depends on the seed alone.
            assert (cfg.seed if run.kind == 'plan' else cfg.randomness.seed) == 0
            for start in run.start_from:
                for key in start.keys:
                    assert _at(cfg, key) == f'{start.run}.pth'


@pytest.mark.parametrize('file', FILES)
def test_what_measurements_call_is_there(file):
    init_default_scope('mmseg')
    for run in read_experiment(Path('experiments', file)).runs.values():
        if run.kind == 'measurement':
            tool, *words = run.command
            assert Path(tool).is_file()
            if tool.endswith('discriminator_costs.py'):
                assert MODELS.get(words[0])
            else:
                option, key = words
                assert tool.endswith('count_networks.py') and option == '--only'
                networks = runpy.run_path(tool)['NETWORKS']
                assert key in {network.key for network in networks}


@pytest.mark.parametrize(
    ('file', 'channels'),
    [
        ('camvid_day2dusk.py', (32, 64, 128)),
        ('minicity_game2real.py', (32, 64, 128)),
        ('gta2cityscapes.py', (128, 256, 512)),
    ],
)
def test_methods_differ_in_what_their_names_say(file, channels):
    experiment = read_experiment(Path('experiments', file))
    configs = {
        name: run_config(experiment, run, 'work', seed=0)
        for name, run in experiment.runs.items()
    }
    assert {
        'source-only',
        'source-only + aug',
        'oracle',
        *METHODS,
        *(f'{name} + aug' for name in METHODS),
    } <= configs.keys()
    for name in ('source-only', *METHODS):
        plain, augmented = (
            _source(configs[key]).pipeline for key in (name, f'{name} + aug')
        )
        assert 'PhotoMetricDistortion' not in [step.type for step in plain]
        assert [step.type for step in augmented] == [
            *(step.type for step in plain[:-1]),
            'PhotoMetricDistortion',
            'PackSegInputs',
        ]
    for name, method in METHODS.items():
        for suffix in ('', ' + aug'):
            needed = [method.after + suffix] if method.after else []
            assert experiment.runs[name + suffix].needs == needed
        # The data of the target have no label loader.
        target = configs[name].train_dataloader.dataset.target
        assert 'LoadLabelIds' not in [step.type for step in target.pipeline]
    for cfg in configs.values():
        assert tuple(_segmentor(cfg).backbone.context_channels) == channels
    epochs = {name: cfg.train_cfg.max_epochs for name, cfg in configs.items()}
    for name in ('source-only', 'FCD', 'DSC', 'mean teacher', 'oracle'):
        assert epochs[name] == epochs['source-only + aug']


@pytest.mark.parametrize('file', ['camvid_components.py', 'minicity_components.py'])
def test_components_are_what_their_names_say(file):
    experiment = read_experiment(Path('experiments', file))
    configs = {
        name: run_config(
            experiment, run, 'work', 0, dict.fromkeys(run.needs, 'start.pth')
        )
        for name, run in experiment.runs.items()
    }
    models = {name: cfg.model for name, cfg in configs.items()}
    rare = configs['rare classes'].train_dataloader.dataset
    plain = configs['source-only + aug'].train_dataloader.dataset
    assert rare.type == 'RareClassDataset'
    assert rare.dataset == plain
    styled = [step.type for step in _source(configs['Fourier style']).pipeline]
    assert styled[styled.index('Resize') + 1] == 'FourierStyle'
    styled.remove('FourierStyle')
    assert styled == [step.type for step in plain.pipeline]
    noisy = [step.type for step in _source(configs['camera effects']).pipeline]
    assert noisy[-2] == 'CameraEffects'
    for name, loss in UNLABELED_LOSSES.items():
        assert models[name].adv_weight == 0
        assert models[name].unlabeled_losses == [loss]
    mean_teacher = models['mean teacher']
    for name, part, kind in (
        ('CutMix', 'mixing', 'CutMix'),
        ('no mixing', 'mixing', None),
        ('pixel weights', 'pseudo_label_weights', 'PixelConfidenceWeights'),
        ('median weights', 'pseudo_label_weights', 'ClassMedianWeights'),
        ('no strong augmentation', 'augmentation', None),
    ):
        model = models[f'mean teacher, {name}'].copy()
        changed = model.pop(part)
        assert (changed and changed.type) == kind
        assert model == {
            key: value for key, value in mean_teacher.items() if key != part
        }
    pretrained = models['mean teacher, pretrained']
    assert pretrained.generator.checkpoint == 'start.pth'
    medians = models['mean teacher, median weights'].pseudo_label_weights
    assert models['mean teacher, pretrained, median weights'] == dict(
        pretrained, pseudo_label_weights=medians
    )
    epochs = {name: cfg.train_cfg.max_epochs for name, cfg in configs.items()}
    assert epochs['DSC, twice as long'] == (
        epochs['DSC + aug'] + epochs['mean teacher, pretrained']
    )
    (rule,) = configs['DSC, twice as long'].param_scheduler
    assert rule.end == epochs['DSC, twice as long'] + 1
    assert models['MPL'].student_checkpoint.checkpoint == 'start.pth'
    scratch = models['MPL, student from scratch']
    assert scratch.student_checkpoint is None
    assert scratch.teacher_checkpoint.checkpoint == 'start.pth'


def test_what_helped_together_is_shipped_as_it_was_measured():
    medians = MEAN_TEACHER_PARTS['median weights']['model.pseudo_label_weights']
    shipped = sorted(Path('configs/mean_teacher').glob('*-median_*.py'))
    assert len(shipped) == 3
    for config in shipped:
        model = Config.fromfile(config).model
        assert dict(model.pseudo_label_weights, _delete_=True) == medians
        after_dsc = config.name.replace('mean-teacher-median', 'pseudo-label-dsc')
        start = Config.fromfile(Path('configs/pseudo_label', after_dsc)).model.generator
        assert model.generator.checkpoint == start.checkpoint
        assert model.generator.checkpoint_prefix == start.checkpoint_prefix


def _at(cfg, key):
    for part in key.split('.'):
        cfg = cfg[int(part) if part.isdigit() else part]
    return cfg


def _source(cfg):
    dataset = cfg.train_dataloader.dataset
    return dataset.get('source', dataset)


def _segmentor(cfg):
    generator = cfg.model.get('generator')
    return cfg.model if generator is None else generator.segmentor
