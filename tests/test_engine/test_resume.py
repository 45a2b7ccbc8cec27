"""Killed and resumed runs against the uninterrupted run, and what is no resume."""

import os
import signal

import numpy as np
import pytest
import torch

from segda_mm.engine.resume import find_resumable_checkpoint
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
    ends = run_elsewhere(*runs)
    assert ends == [[-signal.SIGKILL]] * len(KILLED), run_elsewhere.stderr
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
    logs = uninterrupted['logs']
    # Weights start alike (init_weights has its own seed); all else differs.
    assert final_state(other)['logs']['train/loss'][0] != logs['train/loss'][0]
    # Each step draws other numbers.
    assert len(set(logs['train/loss'])) == 18
    # Validation runs once an epoch, and a schedule by epoch steps at its end.
    assert len(logs['val/acc']) == 3
    expected = [0.1 * (1 - epoch / 3) ** 0.9 for epoch in range(3)]
    np.testing.assert_allclose(logs['train/generator.lr'], np.repeat(expected, 6))


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


@pytest.fixture(scope='module')
def first_epoch(toy, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('first_epoch') / 'run'
    toy.train_toy(work_dir=work_dir, max_epochs=1)
    return work_dir


def resume(toy, first_epoch, tmp_path, spoil=None, **changes):
    content = torch.load(first_epoch / 'iter_4.pth', weights_only=True)
    if spoil:
        spoil(content)
    torch.save(content, tmp_path / 'iter_4.pth')
    return toy.train_toy(
        work_dir=tmp_path,
        resume=True,
        load_from=str(tmp_path / 'iter_4.pth'),
        max_epochs=1,
        **changes,
    )


def optimizers(generator=None, **changes):
    wrapper = dict(type='GradientAveragingOptimWrapper')
    return dict(
        constructor='ChildOptimWrapperConstructor',
        generator=dict(
            wrapper,
            optimizer=generator or dict(type='SGD', lr=0.1, momentum=0.9),
            **changes,
        ),
        discriminator=dict(wrapper, optimizer=dict(type='Adam', lr=0.01)),
    )


OTHER_SCHEDULE = dict(
    generator=[dict(type='PolyLR', end=9)],
    discriminator=[dict(type='PolyLR', power=0.9, end=19, by_epoch=False)],
)


@pytest.mark.parametrize(
    'spoil, changes, message',
    [
        (lambda c: c.pop('optimizer'), {}, 'holds no optimizer'),
        (
            lambda c: c['optimizer'].pop('discriminator'),
            {},
            'optimizers for generator, the config for generator, discriminator',
        ),
        (lambda c: c.pop('param_schedulers'), {}, 'restore param_scheduler'),
        (
            lambda c: c['state_dict'].pop('generator.0.bias'),
            {},
            r'does not fit the model(.|\n)*generator\.0\.bias',
        ),
        (
            lambda c: c['meta']['dataset_meta'].update(classes=('a', 'c')),
            {},
            r"the classes .* were \['a', 'c'\] and are \['a', 'b'\] now",
        ),
        (None, dict(batch_size=3), 'batch_size was 2 and is 3 now'),
        (
            None,
            dict(optim_wrapper=optimizers(dict(type='SGD', lr=5.0, momentum=0.9))),
            'optim_wrapper.generator.optimizer: initial_lr was 0.1 and is 5.0',
        ),
        (
            None,
            dict(optim_wrapper=optimizers(dict(type='Adam', lr=0.1))),
            'optim_wrapper.generator.optimizer: betas was None',
        ),
        (
            None,
            dict(param_scheduler=OTHER_SCHEDULE),
            r'param_scheduler.generator \(PolyLR\): end was 4 and is 9 now',
        ),
        (
            None,
            dict(optim_wrapper=optimizers(accumulative_counts=3)),
            'pending at iteration 4 were not saved',
        ),
    ],
)
def test_another_run_is_refused(toy, first_epoch, tmp_path, spoil, changes, message):
    with pytest.raises(ValueError, match=message):
        resume(toy, first_epoch, tmp_path, spoil, **changes)


def test_the_same_run_is_accepted(toy, first_epoch, tmp_path):
    assert resume(toy, first_epoch, tmp_path).iter == 6
