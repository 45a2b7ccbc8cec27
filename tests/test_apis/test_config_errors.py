import pytest
from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config, train
from segda_mm.apis.config_errors import config_errors


@pytest.mark.parametrize(
    'options, message',
    [
        (
            {'model.decode_head.num_outputs': 3},
            r"^model.decode_head cannot be built: TypeError: .*'num_outputs'",
        ),
        (
            {'model.backbone.type': 'BiSeNetV1x'},
            '^model.backbone cannot be built: KeyError: BiSeNetV1x is not in',
        ),
        (
            {'optim_wrapper.optimizer': dict(_delete_=True, type='RMSpropp')},
            '^optim_wrapper cannot be built: .*There is no type RMSpropp',
        ),
        (
            {'train_dataloader.persistent': False},
            r"^train_dataloader cannot be built: TypeError: .*'persistent'",
        ),
        (
            {'train_dataloader.dataset.pipeline.0.colour': 'bgr'},
            r"^train_dataloader.dataset.pipeline.0 cannot be built: .*'colour'",
        ),
        (
            {'default_hooks.checkpont': dict(interval=2)},
            '^default_hooks.checkpont cannot be built: KeyError: .*"type"',
        ),
        (
            {'param_scheduler': [dict(type='StepLR')]},
            "^param_scheduler.0 cannot be built: TypeError: .*'step_size'",
        ),
        (
            {'randomness.number': 2},
            r"toy.py cannot be built: TypeError: .*'number'",
        ),
    ],
)
def test_what_cannot_be_built_is_told_with_its_key(toy_config, options, message):
    with pytest.raises(PreflightError, match=message):
        train(load_config(toy_config, options))


def test_errors_of_a_program_pass():
    for error in (KeyError('a'), TypeError('b'), RuntimeError('c')):
        with pytest.raises(type(error)), config_errors(Config({})):
            raise error
