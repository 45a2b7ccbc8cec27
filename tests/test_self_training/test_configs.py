"""A plan's steps become epochs, and schedules end with them."""

import pytest
from mmengine.config import Config

from segda_mm.engine.loops.resumable_epoch_train_loop import ResumableSampler
from segda_mm.self_training.configs import set_length


def config(**scheduler):
    return Config(
        dict(
            train_cfg=dict(max_epochs=5),
            param_scheduler=[dict(type='PolyLR', begin=0, **scheduler)],
        )
    )


def test_a_schedule_in_steps_ends_with_the_training():
    cfg = config(end=2000, by_epoch=False)
    warm_up = dict(type='LinearLR', begin=0, end=100, by_epoch=False)
    cfg.param_scheduler.insert(0, warm_up)
    set_length(cfg, steps=1000, batches_per_epoch=15)
    # 66.7 epochs of 15 steps.
    assert cfg.train_cfg.max_epochs == 67
    assert [part['end'] for part in cfg.param_scheduler] == [100, 1005]
    assert cfg.default_hooks.checkpoint.interval == 3
    assert cfg.default_hooks.checkpoint.max_keep_ckpts == 2


@pytest.mark.parametrize(
    ('end', 'steps', 'epochs', 'new_end'), [(6, 100, 10, 11), (5, 4, 1, 1)]
)
def test_a_schedule_in_epochs_keeps_its_distance(end, steps, epochs, new_end):
    cfg = config(end=end, by_epoch=True)
    set_length(cfg, steps=steps, batches_per_epoch=10)
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.param_scheduler[0]['end'] == new_end


@pytest.mark.parametrize(
    ('images', 'epochs', 'per_epoch'), [(4, 300, 4), (50, 25, 48), (200, 6, 200)]
)
def test_parts_of_the_data_are_trained_on_for_as_many_steps(images, epochs, per_epoch):
    """300 steps of batches of 4, whatever the number of images."""
    cfg = config(end=6, by_epoch=True)
    cfg.train_dataloader = dict(batch_size=4, sampler=dict(type='ResumableSampler'))
    set_length(cfg, 300, batches_per_epoch=-(-images // 4), by_step=True)
    (scheduler,) = cfg.param_scheduler
    assert (scheduler.end, scheduler.by_epoch) == (300, False)
    assert cfg.train_cfg.max_epochs == epochs
    per = cfg.train_dataloader.sampler.per_epoch
    sampler = ResumableSampler(range(images), seed=1, per_epoch=per)
    assert len(sampler) == per_epoch
    assert epochs * -(-len(sampler) // 4) == 300
    drawn = set()
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        indices = list(sampler)
        assert len(set(indices)) == per_epoch
        drawn.update(indices)
        sampler.start = 3
        assert list(sampler) == indices[3:]
        sampler.start = 0
    assert drawn == set(range(images))
