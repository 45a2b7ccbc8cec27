"""Training of the toy job, through files."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config, train
from segda_mm.apis.training import enable_mixed_precision, find_checkpoint


def test_train_writes_checkpoints_and_resume_goes_on(toy_config):
    # Cut in the middle of its schedule, which would else end with it.
    cut = ['train_cfg.max_epochs=1', 'param_scheduler.0.end=2']
    cfg = load_config(toy_config, cut)
    with pytest.raises(PreflightError, match='nothing to resume'):
        train(cfg, resume='auto')
    runner = train(load_config(toy_config, cut))
    assert runner.iter == 2
    latest = find_checkpoint(cfg.work_dir)
    assert latest.name == 'epoch_1.pth'

    resumed = train(load_config(toy_config), resume='auto')
    assert resumed.epoch == 2
    log = (latest.parent / resumed.timestamp / f'{resumed.timestamp}.log').read_text()
    assert 'resumed epoch: 1, iter: 2' in log
    assert find_checkpoint(cfg.work_dir).name == 'epoch_2.pth'
    assert find_checkpoint(cfg.work_dir, latest) == latest
    with pytest.raises(PreflightError, match='no checkpoint gone.pth to resume'):
        find_checkpoint(cfg.work_dir, 'gone.pth')


SGD = dict(type='SGD', lr=0.1)
ON_CPU = 'GradientAveragingBFloat16OptimWrapper'
ON_CUDA = 'GradientAveragingAmpOptimWrapper'


@pytest.mark.parametrize('cuda, expected', [(False, ON_CPU), (True, ON_CUDA)])
def test_every_member_is_switched(monkeypatch, cuda, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
    cfg = Config(
        dict(
            optim_wrapper=dict(
                constructor='ChildOptimWrapperConstructor',
                generator=dict(type='GradientAveragingOptimWrapper', optimizer=SGD),
                discriminator=dict(type='OptimWrapper', optimizer=SGD),
            )
        )
    )
    enable_mixed_precision(cfg)
    wrapper = cfg.optim_wrapper
    assert wrapper.constructor == 'ChildOptimWrapperConstructor'
    assert wrapper.generator == dict(type=expected, optimizer=SGD)
    assert wrapper.discriminator == dict(type=expected, optimizer=SGD)


def test_a_wrapper_without_a_twin_is_named():
    wrappers = dict(g=dict(type='ApexOptimWrapper', optimizer=SGD))
    cfg = Config(dict(optim_wrapper=wrappers))
    with pytest.raises(PreflightError, match=r'optim_wrapper\.g\.type=ApexOptim'):
        enable_mixed_precision(cfg)


def test_a_tracker_beside_the_local_files(toy_config, monkeypatch):
    cfg = load_config(toy_config)
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(PreflightError, match='needs the package wandb: `pip install'):
        train(cfg, track='wandb')
    assert not Path(cfg.work_dir).exists()
    monkeypatch.undo()
    pytest.importorskip('tensorboard')
    train(cfg, track='tensorboard')
    assert list(Path(cfg.work_dir).glob('*/vis_data/events.out.tfevents.*'))
    assert list(Path(cfg.work_dir).glob('*/vis_data/scalars.json'))
