"""Checkpoints that hold plain types only, and are deleted only after a successor."""

import logging
import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer, MessageHub

from segda_mm.datasets import CityscapesPanopticDataset
from segda_mm.engine import AdaptationRunner
from segda_mm.engine.hooks import PlainCheckpointHook, SafeCheckpointHook
from segda_mm.registry import DATASETS
from segda_mm.testing import panoptic_batch, tiny_panoptic_deeplab

THINGS = CityscapesPanopticDataset.METAINFO['thing_classes']


@DATASETS.register_module()
class FourPanopticImages:
    metainfo = CityscapesPanopticDataset.METAINFO

    def __init__(self):
        self.batch = panoptic_batch(4, (65, 97), 19, THINGS)

    def full_init(self):
        pass

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return {key: values[index] for key, values in self.batch.items()}


def test_panoptic_checkpoints_and_the_best_one_are_plain(tmp_path, monkeypatch):
    monkeypatch.setattr(AdaptationRunner, '_log_env', lambda *_: None)
    data = dict(type='FourPanopticImages')
    loader = dict(dataset=data, batch_size=2, num_workers=0)
    in_order = dict(type='DefaultSampler', shuffle=False)
    runner = AdaptationRunner(
        model=tiny_panoptic_deeplab(19, THINGS),
        work_dir=str(tmp_path),
        train_dataloader=dict(
            loader, sampler=dict(type='ResumableSampler', shuffle=True)
        ),
        train_cfg=dict(type='ResumableEpochTrainLoop', max_epochs=1),
        val_dataloader=dict(loader, sampler=in_order),
        val_cfg=dict(type='ValLoop'),
        val_evaluator=dict(type='PanopticMetric'),
        optim_wrapper=dict(
            type='GradientAveragingOptimWrapper', optimizer=dict(type='Adam', lr=0.01)
        ),
        param_scheduler=[dict(type='PolyLR', end=2, by_epoch=False)],
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1, save_best='mIoU')
        ),
        default_scope='mmseg',
        experiment_name='plain_panoptic',
    )
    runner.train()
    (best,) = tmp_path.glob('best_mIoU_*.pth')
    for file in (tmp_path / 'epoch_1.pth', best):
        content = torch.load(file, weights_only=True)
        assert content['state_dict'].keys() == runner.model.state_dict().keys()
        # Weights keep the order and the versions of their modules.
        assert content['state_dict']._metadata
    scores = content['message_hub']['runtime_info']
    assert type(scores['best_score']) is float
    assert content['meta']['dataset_meta']['thing_classes'] == THINGS


def test_numbers_of_numpy_become_those_of_python():
    Pair = namedtuple('Pair', 'first second')
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    checkpoint = dict(
        meta={np.int64(3): np.float32(0.5), 'pair': Pair(1, np.arange(2))},
        message_hub=dict(log_scalars=dict(loss=history)),
        optimizer=dict(lr=np.float64(0.1), betas=(0.9, np.float32(0.5)), state={}),
        own_entry=[None, True, {np.int32(1)}, torch.Size([2]), torch.float16],
    )
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    assert checkpoint['meta'] == {3: 0.5, 'pair': (1, [0, 1])}
    assert type(checkpoint['meta']['pair']) is tuple
    assert type(checkpoint['optimizer']['lr']) is float
    assert checkpoint['optimizer']['betas'] == (0.9, 0.5)
    assert checkpoint['own_entry'] == [None, True, {1}, torch.Size([2]), torch.float16]
    saved = checkpoint['message_hub']['log_scalars']['loss']
    assert saved['log_history'].tolist() == [1.0, 2.0]

    PlainCheckpointHook().after_load_checkpoint(None, checkpoint)
    buffer = checkpoint['message_hub']['log_scalars']['loss']
    assert isinstance(buffer, HistoryBuffer)
    assert buffer.data[0].tolist() == [1.0, 2.0]


def test_what_could_not_be_read_back_is_named_when_it_is_written():
    checkpoint = dict(message_hub=dict(runtime_info=dict(mine=[0, object()])))
    with pytest.raises(TypeError, match=r'message_hub\.runtime_info\.mine\.1 is a obj'):
        PlainCheckpointHook().before_save_checkpoint(None, checkpoint)


class FakeRunner(SimpleNamespace):
    """Writes empty checkpoints, and notes which others lie there meanwhile."""

    def __init__(self, folder):
        super().__init__(
            work_dir=str(folder),
            epoch=0,
            iter=0,
            logger=logging.getLogger('fake'),
            message_hub=MessageHub(f'fake {folder}'),
            full=False,
            beside={},
        )

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        # The best one of an epoch makes the epoch's own be written once more.
        self.beside.setdefault(filename, names(self.work_dir))
        if self.full:
            raise OSError('disk full')
        Path(out_dir, filename).touch()


def names(folder):
    return sorted(path.name for path in Path(folder).glob('*.pth'))


def start(folder, kind=SafeCheckpointHook, runner=None):
    hook = kind(interval=1, save_best='score', rule='greater', max_keep_ckpts=2)
    runner = runner or FakeRunner(folder)
    hook.before_train(runner)
    return hook, runner


def epoch(hook, runner, number, score):
    runner.epoch = number - 1
    hook._save_checkpoint(runner)
    runner.epoch = number
    hook._save_best_checkpoint(runner, dict(score=score))


def test_a_better_one_replaces_the_best_once_it_is_there(tmp_path):
    hook, runner = start(tmp_path)
    for number in (1, 2, 3):
        epoch(hook, runner, number, score=number)
    assert runner.beside['best_score_epoch_3.pth'] == [
        'best_score_epoch_2.pth',
        'epoch_2.pth',
        'epoch_3.pth',
    ]
    assert runner.beside['epoch_3.pth'] == [
        'best_score_epoch_2.pth',
        'epoch_1.pth',
        'epoch_2.pth',
    ]
    assert names(tmp_path) == ['best_score_epoch_3.pth', 'epoch_2.pth', 'epoch_3.pth']
    # The same epoch evaluated again, as after a resume, does not delete itself.
    hook._save_best_checkpoint(runner, dict(score=9))
    assert 'best_score_epoch_3.pth' in names(tmp_path)


@pytest.mark.parametrize('kind', [SafeCheckpointHook, CheckpointHook])
def test_what_a_full_disk_leaves(tmp_path, kind):
    hook, runner = start(tmp_path, kind)
    epoch(hook, runner, 1, score=1)
    runner.full = True
    runner.epoch = 2
    with pytest.raises(OSError, match='disk full'):
        hook._save_best_checkpoint(runner, dict(score=2))
    # MMEngine's own hook has deleted it by then: else this one would be for nothing.
    assert ('best_score_epoch_1.pth' in names(tmp_path)) == (kind is SafeCheckpointHook)


def test_a_copied_run_does_not_replace_the_best_of_the_original(tmp_path):
    hook, runner = start(tmp_path)
    epoch(hook, runner, 1, score=1)
    copy = tmp_path / 'copy'
    shutil.copytree(tmp_path, copy)
    runner.work_dir = str(copy)
    AdaptationRunner._find_own_checkpoints(runner)
    epoch(*start(copy, runner=runner), 2, score=2)
    assert names(tmp_path) == ['best_score_epoch_1.pth', 'epoch_1.pth']
    assert names(copy) == ['best_score_epoch_2.pth', 'epoch_1.pth', 'epoch_2.pth']


def test_a_validation_without_a_training_saves_nothing(tmp_path):
    hook = SafeCheckpointHook(interval=1, save_best='score', rule='greater')
    hook.after_val_epoch(FakeRunner(tmp_path), dict(score=1.0))
    assert names(tmp_path) == []
