"""Checkpoints of AdaptationRunner: atomic, plain, whole."""

import os

import pytest
import torch
from mmengine.logging import HistoryBuffer


@pytest.fixture(scope='module')
def finished(toy, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('finished') / 'run'
    toy.train_toy(work_dir=work_dir, max_epochs=1, save_best='acc')
    return work_dir


def test_checkpoints_hold_plain_types_and_come_back(toy, finished):
    content = torch.load(finished / 'iter_6.pth', weights_only=True)
    assert isinstance(content['message_hub']['runtime_info']['best_score'], float)
    saved = content['message_hub']['log_scalars']['train/loss']['log_history']
    assert saved.shape == (6,)
    assert content['meta']['epoch_shape'] == dict(
        batch_size=2, batches_per_epoch=6, world_size=1
    )
    assert not [name for name in os.listdir(finished) if name.endswith('.unfinished')]

    runner = toy.train_toy(work_dir=finished, max_epochs=1, resume=True)
    buffer = runner.message_hub.get_scalar('train/loss')
    assert isinstance(buffer, HistoryBuffer)
    assert buffer.data[0].tolist() == saved.tolist()


def test_load_from_demands_all_weights(toy, finished, tmp_path):
    content = torch.load(finished / 'iter_6.pth', weights_only=True)
    weights = content['state_dict']
    # As DDP and other wrappers save them.
    content['state_dict'] = {f'module.{key}': value for key, value in weights.items()}
    torch.save(content, tmp_path / 'wrapped.pth')
    runner = toy.ToyRunner(**toy.toy_config(tmp_path / 'run'))
    runner.load_checkpoint(str(tmp_path / 'wrapped.pth'))
    torch.testing.assert_close(dict(runner.model.state_dict()), dict(weights))

    del content['state_dict']['module.generator.0.weight']
    torch.save(content, tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'generator\.0\.weight'):
        toy.train_toy(work_dir=tmp_path / 'run', load_from=str(tmp_path / 'part.pth'))
    with pytest.raises(FileNotFoundError, match='local file'):
        toy.train_toy(work_dir=tmp_path / 'run', load_from='gone.pth')


def test_a_single_kept_checkpoint_is_refused(toy, tmp_path):
    hooks = dict(checkpoint=dict(type='CheckpointHook', max_keep_ckpts=1))
    with pytest.raises(ValueError, match='max_keep_ckpts is 1'):
        toy.train_toy(work_dir=tmp_path, default_hooks=hooks)
