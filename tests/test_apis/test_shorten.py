from mmengine.config import Config

from segda_mm.apis.shorten import shorten


def poly(end):
    return dict(type='PolyLR', begin=0, end=end)


def test_schedules_end_with_the_training():
    cfg = Config(
        dict(
            model=dict(type='EncoderDecoder'),
            train_cfg=dict(max_epochs=50),
            param_scheduler=[dict(type='LinearLR', end=5), poly(50)],
        )
    )
    options = shorten(cfg, 4)
    assert options == {'train_cfg.max_epochs': 4, 'param_scheduler.1.end': 4}
    cfg.merge_from_dict(options)
    assert [scheduler.end for scheduler in cfg.param_scheduler] == [5, 4]


def test_one_schedule_per_network_and_the_feedbacks_ramp():
    cfg = Config(
        dict(
            model=dict(feedback_rule=dict(growth_epochs=40, full_after_epoch=25)),
            train_cfg=dict(max_epochs=50),
            param_scheduler=dict(generator=[poly(51)], discriminator=poly(50)),
        )
    )
    assert shorten(cfg, 10) == {
        'train_cfg.max_epochs': 10,
        'param_scheduler.generator.0.end': 11,
        'param_scheduler.discriminator.end': 10,
        'model.feedback_rule.growth_epochs': 8,
        'model.feedback_rule.full_after_epoch': 5,
    }
