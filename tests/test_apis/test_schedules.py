"""Learning rates last as long as the training, however its length was given."""

import pytest
from mmengine.config import Config, ConfigDict

from segda_mm.apis import load_config, train
from segda_mm.apis.schedules import follow_epochs
from segda_mm.errors import PreflightError

SUPERVISED = 'supervised_bisenetv1-r18_minicity-gta5-128x256'  # 8 epochs
MPL = 'mpl_bisenet_gta2cs'  # 50 epochs
WARM_UP = dict(type='LinearLR', start_factor=0.1, begin=0, end=2, by_epoch=True)
COSINE = dict(type='CosineAnnealingLR', eta_min=0, begin=2, end=10, T_max=8)


@pytest.mark.parametrize(
    ('options', 'end'),
    [
        ([], 9),
        (['train_cfg.max_epochs=10'], 11),
        (['train_cfg.max_epochs=2'], 3),
        (['train_cfg.max_epochs=10', 'param_scheduler.0.end=6'], 6),
    ],
)
def test_a_shipped_config_learns_to_its_end(options, end):
    (decay,) = load_config(SUPERVISED, options).param_scheduler
    assert decay.end == end


def test_a_child_config_may_be_longer(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text(
        f"_base_ = 'segda_mm::supervised/{SUPERVISED}.py'\n"
        'train_cfg = dict(max_epochs=10)\n'
    )
    assert load_config(child).param_scheduler[0].end == 11


def test_the_feedback_ramp_follows():
    rule = load_config(MPL, ['train_cfg.max_epochs=10']).model.feedback_rule
    assert (rule.growth_epochs, rule.full_after_epoch) == (8, 5)
    rule = load_config(
        MPL, ['train_cfg.max_epochs=10', 'model.feedback_rule.growth_epochs=3']
    ).model.feedback_rule
    assert (rule.growth_epochs, rule.full_after_epoch) == (3, 5)


@pytest.mark.parametrize(
    ('schedulers', 'before', 'epochs', 'ends'),
    [
        ([WARM_UP, COSINE], 10, 20, [2, 20]),
        (dict(a=[WARM_UP, COSINE], b=COSINE), 10, 5, [2, 5, 5]),
        # By step, in proportion.
        ([dict(type='PolyLR', by_epoch=False, end=6000)], 10, 5, [3000]),
        # A rate that stays above 0 may be reached early.
        ([dict(type='PolyLR', eta_min=1e-4, end=3)], 10, 10, [3]),
        ([dict(type='PolyLR', end=3)], 10, 10, [11]),
        ([dict(type='MultiStepLR', milestones=[3])], 10, 20, [None]),
    ],
)
def test_what_lasted_to_the_end_still_does(schedulers, before, epochs, ends):
    cfg = Config(dict(param_scheduler=schedulers, train_cfg=dict(max_epochs=epochs)))
    follow_epochs(cfg, before)
    parts = cfg.param_scheduler
    if isinstance(parts, ConfigDict):
        parts = [*parts.a, parts.b]
    assert [part.get('end') for part in parts] == ends
    assert all(p.T_max == p.end - p.begin for p in parts if 'T_max' in p)


def test_a_rate_of_0_is_refused_before_the_training(toy_config):
    def run(end):
        decay = dict(type='PolyLR', by_epoch=False, end=end)
        return train(load_config(toy_config, {'param_scheduler': [decay]}))

    with pytest.raises(PreflightError, match='param_scheduler.0 .* 2 steps.* has 4'):
        run(2)
    assert run(4).iter == 4
