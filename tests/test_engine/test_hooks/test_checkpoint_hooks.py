"""Checkpoints that hold plain types only, and are deleted only after a successor."""

import logging
import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub

from segda_mm.engine import AdaptationRunner
from segda_mm.engine.hooks.checkpoint_hooks import (
    PlainCheckpointHook,
    SafeCheckpointHook,
)


def test_numbers_of_numpy_become_those_of_python():
    Pair = namedtuple('Pair', 'first second')
    checkpoint = dict(
        meta={np.int64(3): np.float32(0.5), 'pair': Pair(1, np.arange(2))},
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.0, 2.0], [1, 1]))),
        own_entry=[None, True, {np.int32(1)}, torch.Size([2]), torch.float16],
    )
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    assert checkpoint['meta'] == {3: 0.5, 'pair': (1, [0, 1])}
    assert type(checkpoint['meta']['pair']) is tuple
    assert type(checkpoint['meta'][3]) is float
    assert checkpoint['own_entry'] == [None, True, {1}, torch.Size([2]), torch.float16]
    saved = checkpoint['message_hub']['log_scalars']['loss']
    assert saved['log_history'].tolist() == [1.0, 2.0]

    PlainCheckpointHook().after_load_checkpoint(None, checkpoint)
    buffer = checkpoint['message_hub']['log_scalars']['loss']
    assert isinstance(buffer, HistoryBuffer)
    assert buffer.data[0].tolist() == [1.0, 2.0]

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
            beside={},
        )

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        # The best one of an epoch makes the epoch's own be written once more.
        self.beside.setdefault(filename, names(self.work_dir))
        Path(out_dir, filename).touch()


def names(folder):
    return sorted(path.name for path in Path(folder).glob('*.pth'))


def start(folder, runner=None):
    hook = SafeCheckpointHook(
        interval=1, save_best='score', rule='greater', max_keep_ckpts=2
    )
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
