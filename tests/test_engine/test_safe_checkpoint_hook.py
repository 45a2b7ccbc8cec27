"""A checkpoint is deleted only after its successor is there."""

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub

from segda_mm.engine import AdaptationRunner
from segda_mm.engine.hooks import SafeCheckpointHook


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


@pytest.fixture
def run(tmp_path):
    def start(kind):
        hook = kind(interval=1, save_best='score', rule='greater', max_keep_ckpts=2)
        runner = FakeRunner(tmp_path)
        hook.before_train(runner)
        return hook, runner

    return start


def epoch(hook, runner, number, score):
    runner.epoch = number - 1
    hook._save_checkpoint(runner)
    runner.epoch = number
    hook._save_best_checkpoint(runner, dict(score=score))


def test_a_better_one_replaces_the_best_once_it_is_there(run, tmp_path):
    hook, runner = run(SafeCheckpointHook)
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
def test_what_a_full_disk_leaves(run, tmp_path, kind):
    hook, runner = run(kind)
    epoch(hook, runner, 1, score=1)
    runner.full = True
    runner.epoch = 2
    with pytest.raises(OSError, match='disk full'):
        hook._save_best_checkpoint(runner, dict(score=2))
    # MMEngine's own hook has deleted it by then: else this one would be for nothing.
    assert ('best_score_epoch_1.pth' in names(tmp_path)) == (kind is SafeCheckpointHook)


def test_a_copied_run_does_not_replace_the_best_of_the_original(run, tmp_path):
    hook, runner = run(SafeCheckpointHook)
    epoch(hook, runner, 1, score=1)
    copy = tmp_path / 'copy'
    shutil.copytree(tmp_path, copy)
    runner.work_dir = str(copy)
    AdaptationRunner._find_own_checkpoints(runner)
    resumed = SafeCheckpointHook(
        interval=1, save_best='score', rule='greater', max_keep_ckpts=2
    )
    resumed.before_train(runner)
    epoch(resumed, runner, 2, score=2)
    assert names(tmp_path) == ['best_score_epoch_1.pth', 'epoch_1.pth']
    assert names(copy) == ['best_score_epoch_2.pth', 'epoch_1.pth', 'epoch_2.pth']


def test_a_validation_without_a_training_saves_nothing(tmp_path):
    hook = SafeCheckpointHook(interval=1, save_best='score', rule='greater')
    hook.after_val_epoch(FakeRunner(tmp_path), dict(score=1.0))
    assert names(tmp_path) == []
