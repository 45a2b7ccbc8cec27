"""Checkpoints of AdaptationRunner: atomic, plain, and strictly resumed."""

import os

import pytest
import torch
from mmengine.logging import HistoryBuffer

from segda_mm.engine.runner import find_resumable_checkpoint


@pytest.fixture(scope='module')
def finished(toy, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('finished') / 'run'
    toy.train_toy(work_dir=work_dir, max_epochs=1, save_best='acc')
    return work_dir


def test_checkpoints_hold_plain_types_only(finished):
    content = torch.load(finished / 'iter_6.pth', weights_only=True)
    assert isinstance(content['message_hub']['runtime_info']['best_score'], float)
    loss = content['message_hub']['log_scalars']['train/loss']
    assert loss['log_history'].shape == (6,)
    assert content['meta']['epoch_shape'] == dict(
        batch_size=2, batches_per_epoch=6, world_size=1
    )


def test_no_temporary_file_is_left(finished):
    assert not [name for name in os.listdir(finished) if name.endswith('.unfinished')]


def test_histories_come_back_as_buffers(toy, finished):
    runner = toy.train_toy(work_dir=finished, max_epochs=1, resume=True)
    buffer = runner.message_hub.get_scalar('train/loss')
    assert isinstance(buffer, HistoryBuffer)
    saved = torch.load(finished / 'iter_6.pth', weights_only=True)
    saved = saved['message_hub']['log_scalars']['train/loss']['log_history']
    assert buffer.data[0].tolist() == saved.tolist()


def test_a_checkpoint_with_code_is_refused_and_not_run(toy, tmp_path):

    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'ran'),)

    torch.save(dict(state_dict=Payload()), tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match='could run code'):
        toy.train_toy(work_dir=tmp_path / 'run', load_from=str(tmp_path / 'bad.pth'))
    assert not (tmp_path / 'ran').exists()


def test_load_from_demands_all_weights(toy, finished, tmp_path):
    content = torch.load(finished / 'iter_6.pth', weights_only=True)
    del content['state_dict']['generator.0.weight']
    torch.save(content, tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'generator\.0\.weight'):
        toy.train_toy(work_dir=tmp_path / 'run', load_from=str(tmp_path / 'part.pth'))
    with pytest.raises(FileNotFoundError, match='local file'):
        toy.train_toy(work_dir=tmp_path / 'run', load_from='gone.pth')


def _resume(toy, finished, tmp_path, spoil=None, **changes):
    content = torch.load(finished / 'iter_4.pth', weights_only=True)
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


def _optim(generator=None, **changes):
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
        (None, dict(batch_size=3), 'batch_size was 2 and is 3 now'),
        (
            None,
            dict(optim_wrapper=_optim(dict(type='SGD', lr=5.0, momentum=0.9))),
            'optim_wrapper.generator.optimizer: initial_lr was 0.1 and is 5.0',
        ),
        (
            None,
            dict(optim_wrapper=_optim(dict(type='Adam', lr=0.1))),
            'optim_wrapper.generator.optimizer: betas was None',
        ),
        (
            None,
            dict(
                param_scheduler=dict(
                    generator=[dict(type='PolyLR', end=9)],
                    discriminator=[
                        dict(type='PolyLR', power=0.9, end=19, by_epoch=False)
                    ],
                )
            ),
            r'param_scheduler.generator \(PolyLR\): end was 4 and is 9 now',
        ),
        (
            None,
            dict(optim_wrapper=_optim(accumulative_counts=3)),
            'pending at iteration 4 were not saved',
        ),
    ],
)
def test_resume_refuses_another_run(toy, finished, tmp_path, spoil, changes, message):
    with pytest.raises(ValueError, match=message):
        _resume(toy, finished, tmp_path, spoil, **changes)


def test_resume_accepts_the_same_run(toy, finished, tmp_path):
    assert _resume(toy, finished, tmp_path).iter == 6


def test_a_single_kept_checkpoint_is_refused(toy, tmp_path):
    with pytest.raises(ValueError, match='max_keep_ckpts is 1'):
        toy.train_toy(
            work_dir=tmp_path,
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', max_keep_ckpts=1)
            ),
        )


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
    for age, name in enumerate(['iter_8.pth', 'iter_4.pth']):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (100 - age, 100 - age))
    (tmp_path / 'best_acc_iter_9.pth').touch()
    (tmp_path / 'iter_12.pth.17.unfinished').touch()
    if pointer is not None:
        (tmp_path / 'last_checkpoint').write_text(pointer.format(folder=tmp_path))
    found = find_resumable_checkpoint(str(tmp_path))
    assert found == str(tmp_path / expected)


def test_no_checkpoint_at_all(tmp_path):
    assert find_resumable_checkpoint(str(tmp_path)) is None
