from dataclasses import replace

import pytest

from segda_mm.experiments.adaptation_runs import TARGET_LOOK, World, adaptation_runs


@pytest.fixture(scope='module')
def world():
    return World(
        source='minicity-gta5-128x256',
        pair='minicity-128x256',
        target='minicity-cityscapes-128x256',
        segmentor=dict(type='EncoderDecoder'),
        discriminator_channels=(2, 1),
        photometric=dict(type='PhotoMetricDistortion'),
        epochs=6,
        epochs_after=3,
        feedback=dict(growth_epochs=2),
        source_images=dict(type='GTA5Dataset'),
        target_images=dict(type='CityscapesImagesDataset'),
        unlabeled=dict(batch_size=1),
    )


@pytest.fixture(scope='module')
def runs(world):
    return adaptation_runs(world)


def steps(entry):
    return [step['type'] for step in pipeline(entry)]


def pipeline(entry):
    options = entry['options']
    keys = (
        'train_dataloader.dataset.source.pipeline',
        'train_dataloader.dataset.pipeline',
    )
    (found,) = (options[key] for key in keys if key in options)
    return found


@pytest.mark.parametrize('name', ['source-only', 'DSC', 'DSC + PL', 'mean teacher'])
def test_the_target_look_is_its_three_parts(runs, name):
    entry = runs[name + TARGET_LOOK]
    plain = steps(runs[name])
    resize = plain.index('Resize') + 1
    assert steps(entry) == [
        *plain[:resize],
        'ColorStatistics',
        *plain[resize:-1],
        'PhotoMetricDistortion',
        plain[-1],
    ]
    hook = entry['options']['default_hooks.adaptive_batch_norm']
    assert hook['type'] == 'AdaptiveBatchNormHook'
    assert hook['dataloader']['batch_size'] == 4
    distorted = runs[name + ' + aug']
    assert 'ColorStatistics' not in steps(distorted)
    assert 'default_hooks.adaptive_batch_norm' not in distorted['options']


def test_each_goes_on_from_one_that_is_trained_alike(runs):
    starts = {
        name: entry['start_from']['run']
        for name, entry in runs.items()
        if 'start_from' in entry
    }
    assert starts['DSC + PL'] == 'DSC'
    assert starts['DSC + MPL + aug'] == 'DSC + aug'
    assert starts['DSC + PL + target look'] == 'DSC + target look'
    assert starts['mean teacher + target look'] == 'DSC + target look'
    assert starts['DSC + PL + target look, long'] == 'DSC + target look, long'
    assert set(starts.values()) <= set(runs)


@pytest.mark.parametrize(
    ('name', 'epochs'),
    [
        ('source-only + aug', 6),
        ('source-only + target look', 6),
        ('oracle', 6),
        ('DSC + target look', 6),
        ('DSC + PL + target look', 3),
    ],
)
def test_long_is_three_times_as_long_and_else_the_same(runs, name, epochs):
    short, long = runs[name]['options'], runs[name + ', long']['options']
    assert short['train_cfg.max_epochs'] == epochs
    assert long['train_cfg.max_epochs'] == 3 * epochs
    assert long['param_scheduler'][0]['end'] == 3 * epochs + 1
    lengths = ('train_cfg.max_epochs', 'param_scheduler', 'train_cfg.val_interval')
    assert {key: value for key, value in short.items() if key not in lengths} == {
        key: value for key, value in long.items() if key not in lengths
    }


def test_every_discriminator_has_the_channels_of_the_world(runs, world):
    key = 'model.discriminator.channels'
    having = {name for name, entry in runs.items() if key in entry['options']}
    assert having == {name for name in runs if name.startswith(('FCD', 'DSC'))}
    assert {runs[name]['options'][key] for name in having} == {(2, 1)}
    papers = adaptation_runs(replace(world, discriminator_channels=None))
    assert not any(key in entry['options'] for entry in papers.values())
