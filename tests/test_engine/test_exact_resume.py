"""Killed and resumed runs against the uninterrupted run, bit for bit."""

import os
import signal

import numpy as np
import pytest

from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.testing.run_results import find_difference

# 12 images, batches of 2: an epoch has 6 iterations, the run 18. Checkpoints
# are due at 4, 8, 12, 16 and 18; those at 12 and 18 are the ends of epochs.
KILLED = {
    'mid_epoch': dict(kill=('step', 10)),
    'before_any_checkpoint': dict(kill=('step', 2)),
    'epoch_end': dict(kill=('epoch end', 12)),
    'write': dict(kill=('write', 11)),
    'validation': dict(kill=('validation', 12), by_epoch=True, interval=1),
    'best': dict(kill=('step', 7), by_epoch=True, interval=1, save_best='acc'),
}
RESUMED_FROM = {
    'mid_epoch': 'iter_8.pth',
    'before_any_checkpoint': None,
    'epoch_end': 'iter_12.pth',
    'write': 'iter_8.pth',
    'validation': 'epoch_2.pth',
    'best': 'epoch_1.pth',
}


@pytest.fixture(scope='module')
def killed(run_elsewhere, tmp_path_factory):
    """Work dirs of runs that were killed, by the point of death."""
    root = tmp_path_factory.mktemp('killed')
    runs = [
        dict(options, work_dir=str(root / name)) for name, options in KILLED.items()
    ]
    statuses = run_elsewhere(*runs)
    for (name,), status in zip(zip(KILLED), statuses):
        assert os.WTERMSIG(status[0]) == signal.SIGKILL, (name, run_elsewhere.stderr)
    return root


def final_state(runner):
    """Everything training leaves behind, tensors and numbers only."""
    hub = runner.message_hub
    return dict(
        model=runner.model.state_dict(),
        optimizer=runner.optim_wrapper.state_dict(),
        schedulers={
            name: [scheduler.state_dict() for scheduler in members]
            for name, members in runner.param_schedulers.items()
        },
        epoch=runner.epoch,
        iter=runner.iter,
        logs={
            key: buffer.data[0].tolist()
            for key, buffer in hub.log_scalars.items()
            if not key.endswith('time')
        },
    )


@pytest.fixture(scope='module')
def uninterrupted(toy, tmp_path_factory):
    runner = toy.train_toy(work_dir=tmp_path_factory.mktemp('whole') / 'run')
    assert (runner.epoch, runner.iter) == (3, 18)
    return final_state(runner)


def test_the_toy_depends_on_every_random_number(toy, tmp_path, uninterrupted):
    other = toy.train_toy(work_dir=tmp_path, randomness=dict(seed=4))
    logs = final_state(other)['logs']
    # Weights start alike (init_weights has its own seed); all else differs.
    assert logs['train/loss'][0] != uninterrupted['logs']['train/loss'][0]
    # Each step draws other numbers.
    assert len(set(uninterrupted['logs']['train/loss'])) == 18


@pytest.mark.parametrize('name', KILLED)
def test_resumed_run_equals_uninterrupted_one(toy, killed, uninterrupted, name):
    work_dir = killed / name
    latest = find_resumable_checkpoint(str(work_dir))
    assert (latest and os.path.basename(latest)) == RESUMED_FROM[name]
    options = {k: v for k, v in KILLED[name].items() if k != 'kill'}
    runner = toy.train_toy(work_dir=work_dir, resume=True, **options)
    assert find_difference(final_state(runner), uninterrupted) is None


def test_numbers_of_workers_make_no_difference(toy, tmp_path, uninterrupted):
    toy.train_toy(work_dir=tmp_path / 'run', num_workers=2, max_epochs=2, interval=4)
    # Resumed from the middle of an epoch with workers again.
    os.remove(tmp_path / 'run' / 'last_checkpoint')
    os.remove(tmp_path / 'run' / 'iter_12.pth')
    runner = toy.train_toy(work_dir=tmp_path / 'run', num_workers=2, resume=True)
    assert find_difference(final_state(runner), uninterrupted) is None


def test_validation_runs_once_an_epoch(uninterrupted):
    assert len(uninterrupted['logs']['val/acc']) == 3


def test_by_epoch_schedule_steps_at_the_end_of_an_epoch(uninterrupted):
    expected = [0.1 * (1 - epoch / 3) ** 0.9 for epoch in range(3)]
    rates = uninterrupted['logs']['train/generator.lr']
    np.testing.assert_allclose(rates, np.repeat(expected, 6))
