"""A plan's steps become epochs, and schedules end with them."""

import pytest
from mmengine.config import Config

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
def test_a_schedule_in_epochs_keeps_its_distance_to_the_end(
    end, steps, epochs, new_end
):
    cfg = config(end=end, by_epoch=True)
    set_length(cfg, steps=steps, batches_per_epoch=10)
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.param_scheduler[0]['end'] == new_end
    assert cfg.default_hooks.checkpoint.interval == 1
