"""Killed and resumed runs against the uninterrupted run, and what is no resume."""

import copy
import os
import signal

import numpy as np
import pytest
import torch

from segda_mm.apis import PreflightError
from segda_mm.engine.resume import find_resumable_checkpoint
from segda_mm.testing.run_results import find_difference

# Four images, batches of 2: an epoch has 2 iterations, the run 6.
BY_ITERATION = {
    'train_cfg.max_epochs': 3,
    'default_hooks.checkpoint': dict(by_epoch=False, interval=1, max_keep_ckpts=2),
}
BY_EPOCH = {
    'train_cfg.max_epochs': 3,
    'default_hooks.checkpoint': dict(interval=1, save_best='mIoU', rule='greater'),
}
#: Where runs are killed, what they save, and what they are resumed from.
KILLED = {
    'mid_epoch': (('step', 3), BY_ITERATION, 'iter_3.pth'),
    'before_any_checkpoint': (('step', 0), BY_ITERATION, None),
    'epoch_end': (('epoch end', 4), BY_ITERATION, 'iter_4.pth'),
    'write': (('write', 3), BY_ITERATION, 'iter_3.pth'),
    'validation': (('validation', 4), BY_EPOCH, 'epoch_2.pth'),
    'best': (('step', 3), BY_EPOCH, 'epoch_1.pth'),
}


@pytest.fixture(scope='module')
def killed(run_elsewhere, street):
    """Trainings that were killed; their work dirs are named by the point of death."""
    runs = [
        dict(
            options, config=str(street.mpl), work_dir=str(street.folder / name), kill=at
        )
        for name, (at, options, _) in KILLED.items()
    ]
    ends = run_elsewhere(*runs)
    assert ends == [[-signal.SIGKILL]] * len(KILLED), run_elsewhere.stderr


def final_state(runner):
    """Everything training leaves behind, tensors and numbers only."""
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
            for key, buffer in runner.message_hub.log_scalars.items()
            if not key.endswith('time')
        },
    )


@pytest.fixture(scope='module')
def train(street):
    def train(name, options, resume=None):
        return street.train(name, [], options, resume, config=street.mpl)

    return train


@pytest.fixture(scope='module')
def uninterrupted(train):
    return final_state(train('whole', BY_ITERATION))


def test_steps_validations_and_schedules_are_done_when_due(uninterrupted):
    assert (uninterrupted['epoch'], uninterrupted['iter']) == (3, 6)
    logs = uninterrupted['logs']
    assert len(logs['val/mIoU']) == 3
    for network, rates in (
        ('student', np.repeat([1 - epoch / 4 for epoch in range(3)], 2)),
        ('teacher', [1 - step / 14 for step in range(6)]),
    ):
        np.testing.assert_allclose(
            logs[f'train/{network}_generator.lr'], 0.01 * np.power(rates, 0.9)
        )


@pytest.mark.parametrize('name', KILLED)
def test_resumed_run_equals_uninterrupted_one(
    street, train, killed, uninterrupted, name
):
    _, options, expected = KILLED[name]
    latest = find_resumable_checkpoint(str(street.folder / name))
    assert (latest and os.path.basename(latest)) == expected
    runner = train(name, options, latest)
    assert find_difference(final_state(runner), uninterrupted) is None


def test_numbers_of_workers_make_no_difference(street, train, uninterrupted):
    options = {**BY_ITERATION, 'train_dataloader.num_workers': 2}
    whole = train('workers', options)
    assert find_difference(final_state(whole), uninterrupted) is None
    resumed = train('workers', options, street.folder / 'workers' / 'iter_5.pth')
    assert find_difference(final_state(resumed), uninterrupted) is None


@pytest.mark.parametrize(
    'pointer, expected',
    [
        ('{folder}/iter_4.pth', 'iter_4.pth'),
        ('/moved/from/elsewhere/iter_4.pth', 'iter_4.pth'),
        ('{folder}/iter_2.pth', 'iter_8.pth'),
        ('', 'iter_8.pth'),
        (None, 'iter_8.pth'),
    ],
)
def test_latest_checkpoint_whatever_the_kill_left(tmp_path, pointer, expected):
    assert find_resumable_checkpoint(str(tmp_path)) is None
    for age, name in enumerate(['iter_8.pth', 'iter_4.pth']):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (100 - age, 100 - age))
    (tmp_path / 'best_acc_iter_9.pth').touch()
    (tmp_path / 'iter_12.pth.17.unfinished').touch()
    if pointer is not None:
        (tmp_path / 'last_checkpoint').write_text(pointer.format(folder=tmp_path))
    found = find_resumable_checkpoint(str(tmp_path))
    assert found == str(tmp_path / expected)


# What one network trains with is in tests/test_bad_input.py.
@pytest.mark.parametrize(
    'spoil, message',
    [
        (
            lambda c: c['optimizer'].pop('teacher_discriminator'),
            'holds optimizers for .*_generator, the config for .*teacher_discriminator',
        ),
        (lambda c: c.pop('param_schedulers'), 'restore param_scheduler'),
        (
            lambda c: c['param_schedulers']['student_generator'][0].update(end=9),
            r'param_scheduler.student_generator \(PolyLR\): end was 9 and is 5 now',
        ),
        (
            lambda c: c['state_dict'].popitem(),
            r'does not fit the model(.|\n)*feedback_rule',
        ),
    ],
)
def test_another_run_is_refused(street, train, uninterrupted, tmp_path, spoil, message):
    file = street.folder / 'whole' / 'iter_5.pth'
    content = copy.deepcopy(torch.load(file, weights_only=True))
    spoil(content)
    torch.save(content, tmp_path / 'iter_5.pth')
    with pytest.raises(PreflightError, match=message):
        train('other', BY_ITERATION, tmp_path / 'iter_5.pth')
