"""Pseudo labels of a training run, against NumPy and against its own resume."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from segda_mm.engine import AdaptationRunner
from segda_mm.labeling import MedianThresholdPseudoLabelHook

# 5 images, batches of 2: an epoch has 3 iterations, the run 9.
CAP = 0.9


@pytest.fixture(scope='module')
def finished(toy, pixel_images, tmp_path_factory):
    return toy.train(pixel_images, tmp_path_factory.mktemp('whole') / 'run')


def folder_of(runner, epoch):
    return Path(runner.work_dir, 'pseudo_labels', f'epoch_{epoch}')


def test_labels_and_manifest_equal_numpy(
    finished, pixel_images, reference, read_labels
):
    folder = folder_of(finished, 0)
    expected, written = reference(pixel_images, CAP), read_labels(folder)
    assert written.keys() == expected.voided.keys()
    for name, labels in expected.voided.items():
        np.testing.assert_array_equal(written[name], labels)

    manifest = json.loads((folder / 'manifest.json').read_text())
    identity = manifest['labels_of']['identity']
    assert identity.items() >= dict(epoch=0, iteration=0, seed=3).items()
    assert identity['pseudo_labeler'] == dict(
        type='ClassMedian', cap=CAP, scope='dataset'
    )
    assert [entry['name'] for entry in manifest['classes']] == ['a', 'b', 'c']
    # It labels in evaluation mode, and trains on.
    assert finished.model.modes == [False] * 6
    assert finished.model.training


def test_target_reads_the_latest_labels(finished, read_labels):
    target = finished.train_dataloader.dataset.dataset.target
    assert target.pseudo_label_dir == str(folder_of(finished, 2))
    before, after = (read_labels(folder_of(finished, epoch)) for epoch in (0, 2))
    assert any((before[name] != after[name]).any() for name in before)
    for index in range(len(target)):
        sample = target[index]['data_samples']
        np.testing.assert_array_equal(
            sample.gt_sem_seg.data[0], after[sample.relative_path]
        )


def test_resumed_within_an_epoch_goes_on_with_its_labels(
    toy, pixel_images, elsewhere, finished, tmp_path
):
    shutil.copytree(elsewhere / 'run_killed', tmp_path / 'run')
    runner = toy.train(pixel_images, tmp_path / 'run', interval=1, resume=True)
    # The labels of epoch 2 were made before the kill.
    assert runner.model.modes == []
    torch.testing.assert_close(
        runner.model.state_dict(), finished.model.state_dict(), rtol=0, atol=0
    )


def test_two_processes_make_the_same_files(elsewhere, finished, contents):
    folder = elsewhere / 'run_two' / 'pseudo_labels' / 'epoch_0'
    assert contents(folder) == contents(folder_of(finished, 0))


def test_lost_labels_are_made_again_with_a_warning(
    toy, pixel_images, elsewhere, tmp_path
):
    run = tmp_path / 'run'
    shutil.copytree(elsewhere / 'run_killed', run)
    (run / 'pseudo_labels' / 'epoch_2' / '0.png').unlink()
    runner = toy.train(pixel_images, run, interval=1, resume=True)
    assert len(runner.model.modes) == 3
    logs = ''.join(path.read_text() for path in run.rglob('*.log'))
    assert 'gone or incomplete' in logs


def test_a_checkpoint_labels_for_a_model_that_starts_afresh(
    toy, pixel_images, reference, read_labels, tmp_path
):
    teacher = toy.PixelClassifier()
    teacher.init_weights()
    # Its class c is class c + 1 of the fresh model.
    teacher.decode_head.weight.data = teacher.decode_head.weight.data.roll(-1, 0)
    file = str(tmp_path / 'teacher.pth')
    torch.save(dict(state_dict=teacher.state_dict()), file)
    config = toy.config(pixel_images, tmp_path / 'run')
    config['custom_hooks'][0].update(epochs=(0,), checkpoint=file)
    config['train_cfg']['max_epochs'] = 1
    config['optim_wrapper']['optimizer']['lr'] = 0.0
    runner = AdaptationRunner(**config)
    runner.train()
    written = read_labels(folder_of(runner, 0))
    for name, labels in reference(pixel_images, CAP).voided.items():
        expected = np.where(labels == 255, 255, (labels + 2) % 3)
        np.testing.assert_array_equal(written[name], expected)
    assert runner.model.modes == []
    assert torch.equal(runner.model.decode_head.weight.view(3, 3), torch.eye(3))
    identity = json.loads((folder_of(runner, 0) / 'identity.json').read_text())
    assert 'sha256' in str(identity)


def test_one_checkpoint_labels_once():
    with pytest.raises(ValueError, match='name one epoch'):
        MedianThresholdPseudoLabelHook(
            dict(dataset={}), epochs=(0, 2), checkpoint='teacher.pth'
        )


def test_a_training_set_that_reads_no_labels_is_named(toy, pixel_images, tmp_path):
    config = toy.config(pixel_images, tmp_path)
    config['train_dataloader']['dataset'] = dict(
        type='BaseSegDataset', data_root=str(pixel_images), img_suffix='.png'
    )
    with pytest.raises(TypeError, match='no data set in train_dataloader'):
        AdaptationRunner(**config).train()
