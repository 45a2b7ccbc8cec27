"""Pseudo labels of a training run, against NumPy and against its own resume."""

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segda_mm.labeling import MedianThresholdPseudoLabelHook

# 5 images, batches of 2: an epoch has 3 iterations, the run 9.
CAP = 0.9
# Half a level, and what single precision blurs it by.
ERROR = 0.51 * CAP / 65535


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Images whose brightest channel is their class; the third class is rare."""
    root = tmp_path_factory.mktemp('images')
    generator = np.random.default_rng(0)
    for index in range(5):
        pixels = generator.integers(0, 120, (7, 6, 3), dtype=np.uint8)
        pixels[..., 2] //= 2
        (root / 'town').mkdir(exist_ok=True)
        folder = root / 'town' if index % 2 else root
        Image.fromarray(pixels).save(folder / f'{index}.png')
    return root


@pytest.fixture(scope='module')
def work_dirs(images, run_elsewhere, tmp_path_factory):
    """Runs in other processes: on two ranks, and killed within epoch 2."""
    root = tmp_path_factory.mktemp('runs')
    statuses = run_elsewhere(
        dict(
            images=str(images),
            work_dir=str(root / 'two_ranks'),
            world_size=2,
            batch_size=1,
            max_epochs=1,
        ),
        dict(
            images=str(images),
            work_dir=str(root / 'killed'),
            interval=1,
            kill=('step', 8),
        ),
    )
    assert [os.WTERMSIG(status) for pair in statuses for status in pair] == [
        0,
        0,
        signal.SIGKILL,
    ], run_elsewhere.stderr
    assert statuses[0] == [0, 0], run_elsewhere.stderr
    return root


@pytest.fixture(scope='module')
def finished(toy, images, tmp_path_factory):
    return toy.train_toy(
        images=images, work_dir=tmp_path_factory.mktemp('whole') / 'run'
    )


def _labels(folder):
    return {
        str(path.relative_to(folder)): np.asarray(Image.open(path))
        for path in sorted(folder.rglob('*.png'))
    }


def _reference(images):
    """Labels and thresholds of the untrained model: softmax(pixel / 50)."""
    confidences, labels = {}, {}
    for path in sorted(images.rglob('*.png')):
        # The pipeline reads BGR.
        logits = np.asarray(Image.open(path))[..., ::-1].astype(float) / 50
        odds = np.exp(logits)
        name = str(path.relative_to(images))
        confidences[name] = odds.max(-1) / odds.sum(-1)
        labels[name] = odds.argmax(-1)
    all_confidences = np.concatenate([c.ravel() for c in confidences.values()])
    all_labels = np.concatenate([c.ravel() for c in labels.values()])
    thresholds, shares, counts = [], [], []
    for index in range(3):
        members = all_confidences[all_labels == index]
        thresholds.append(min(np.median(members), CAP))
        counts.append(len(members))
        shares.append((members >= thresholds[-1]).mean())
    voided = {
        name: np.where(
            confidences[name] >= np.take(thresholds, labels[name]) - 1e-9,
            labels[name],
            255,
        )
        for name in labels
    }
    return voided, thresholds, counts, shares


def test_labels_and_manifest_equal_numpy(finished, images):
    folder = finished.work_dir + '/pseudo_labels/epoch_0'
    expected, thresholds, counts, shares = _reference(images)
    written = _labels(Path(folder))
    assert written.keys() == expected.keys()
    assert 'town/1.png' in written
    for name, labels in expected.items():
        np.testing.assert_array_equal(written[name], labels)

    with open(f'{folder}/manifest.json') as file:
        manifest = json.load(file)
    assert manifest['images'] == sorted(expected)
    assert (manifest['epoch'], manifest['iteration']) == (0, 0)
    assert manifest['cap'] == CAP
    classes = manifest['classes']
    assert [entry['name'] for entry in classes] == ['a', 'b', 'c']
    assert [entry['pixels'] for entry in classes] == counts
    np.testing.assert_allclose([entry['kept_share'] for entry in classes], shares)
    np.testing.assert_allclose(
        [entry['threshold'] for entry in classes], thresholds, atol=ERROR
    )
    np.testing.assert_allclose(
        manifest['kept_share'], np.average(shares, weights=counts)
    )


def test_nothing_but_labels_and_manifest_is_left(finished):
    left = [
        name
        for _, folders, files in os.walk(f'{finished.work_dir}/pseudo_labels')
        for name in folders + files
        if not name.endswith('.png')
    ]
    assert sorted(left) == [
        'epoch_0',
        'epoch_2',
        'manifest.json',
        'manifest.json',
        'town',
        'town',
    ]


def test_labels_were_made_in_evaluation_mode_twice(finished):
    assert finished.model.modes == [False] * 6
    assert finished.model.training


def test_target_reads_the_latest_labels(finished):
    target = finished.train_dataloader.dataset.dataset.target
    assert target.pseudo_label_dir.endswith('pseudo_labels/epoch_2')
    expected = _labels(Path(target.pseudo_label_dir))
    for index in range(len(target)):
        sample = target[index]['data_samples']
        np.testing.assert_array_equal(
            sample.gt_sem_seg.data[0], expected[sample.relative_path]
        )


def test_training_changed_the_labels(finished):
    before, after = (
        _labels(Path(finished.work_dir, f'pseudo_labels/epoch_{epoch}'))
        for epoch in (0, 2)
    )
    assert any((before[name] != after[name]).any() for name in before)


def test_resumed_within_an_epoch_goes_on_with_its_labels(
    toy, images, work_dirs, finished
):
    runner = toy.train_toy(
        images=images, work_dir=work_dirs / 'killed', interval=1, resume=True
    )
    # The labels of epoch 2 were made before the kill.
    assert runner.model.modes == []
    torch.testing.assert_close(
        runner.model.state_dict(), finished.model.state_dict(), rtol=0, atol=0
    )


def test_two_processes_make_the_same_labels(work_dirs, images, finished):
    folder = work_dirs / 'two_ranks' / 'pseudo_labels' / 'epoch_0'
    expected = _reference(images)[0]
    written = _labels(folder)
    assert written.keys() == expected.keys()
    for name, labels in expected.items():
        np.testing.assert_array_equal(written[name], labels)
    manifest = json.loads((folder / 'manifest.json').read_text())
    assert sum(entry['pixels'] for entry in manifest['classes']) == 5 * 42
    one = Path(finished.work_dir, 'pseudo_labels/epoch_0/manifest.json')
    assert manifest == json.loads(one.read_text())
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ['manifest.json', 'town', '0.png', '2.png', '4.png']
    )


def test_lost_labels_are_made_again_with_a_warning(toy, images, work_dirs, tmp_path):
    shutil.copytree(work_dirs / 'killed', tmp_path / 'run')
    os.remove(tmp_path / 'run' / 'last_checkpoint')
    for name in os.listdir(tmp_path / 'run'):
        if name.startswith('iter_') and name != 'iter_8.pth':
            os.remove(tmp_path / 'run' / name)
    shutil.rmtree(tmp_path / 'run' / 'pseudo_labels' / 'epoch_2')
    runner = toy.train_toy(
        images=images, work_dir=tmp_path / 'run', interval=1, resume=True
    )
    assert len(runner.model.modes) == 3
    logs = ''.join(path.read_text() for path in (tmp_path / 'run').rglob('*.log'))
    assert 'gone or incomplete' in logs


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(epochs=()), 'name the epochs'),
        (dict(epochs=(-1,)), 'name the epochs'),
        (dict(cap=0.0), r'probability in \(0, 1\]'),
        (dict(cap=90), r'probability in \(0, 1\]'),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MedianThresholdPseudoLabelHook(dataloader={}, **settings)


def test_a_training_set_that_reads_no_labels_is_named(toy, images, tmp_path):
    config = toy.pseudo_label_config(images=images, work_dir=tmp_path)
    config['train_dataloader']['dataset'] = dict(type='ToyImages')
    with pytest.raises(TypeError, match='no data set in train_dataloader'):
        toy.ToyRunner(**config).train()


def test_samples_without_a_name_are_explained(toy, images, tmp_path):
    config = toy.pseudo_label_config(images=images, work_dir=tmp_path)
    pipeline = config['custom_hooks'][0]['dataloader']['dataset']['pipeline']
    pipeline[-1] = dict(type='PackSegInputs', meta_keys=('ori_shape',))
    with pytest.raises(KeyError, match='relative_path'):
        toy.ToyRunner(**config).train()
