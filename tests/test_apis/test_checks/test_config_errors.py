from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from segda_mm import Predictor
from segda_mm.apis import (
    PreflightError,
    evaluate,
    export_onnx,
    label,
    load_config,
    train,
)
from segda_mm.registry import MODELS


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


def images_of(cfg):
    return str(Path(cfg.filename).parents[1] / 'data/images/val')


JOBS = dict(
    test=lambda cfg, weights, out: evaluate(cfg, weights),
    views=lambda cfg, weights, out: evaluate(cfg, weights, tta=True),
    label=lambda cfg, weights, out: label(cfg, weights, images_of(cfg), out),
    predict=lambda cfg, weights, out: Predictor(weights, cfg).save(images_of(cfg), out),
    export=lambda cfg, weights, out: export_onnx(
        cfg, weights, out.with_suffix('.onnx'), size=(64, 32)
    ),
)


@pytest.mark.parametrize('job', JOBS)
def test_what_a_network_cannot_do_is_told_with_its_key(toy_config, tmp_path, job):
    cfg = load_config(toy_config)
    # It pools windows of 49x49 of a map that is 4x8.
    cfg.model.decode_head = dict(
        type='LRASPPHead',
        in_channels=(32, 16, 16),
        in_index=(0, 1, 2),
        input_transform='multiple_select',
        branch_channels=(8, 8),
        channels=16,
        num_classes=3,
    )
    init_default_scope('mmseg')
    torch.save(MODELS.build(cfg.model).state_dict(), tmp_path / 'net.pth')
    with pytest.raises(PreflightError) as caught:
        JOBS[job](cfg, tmp_path / 'net.pth', tmp_path / 'out')
    told = str(caught.value)
    assert 'model.decode_head (LRASPPHead): RuntimeError: ' in told
    assert 'too small; take images whose sides suit the network' in told
    assert '\n' not in told


@pytest.mark.parametrize('job', ['test', 'label', 'predict'])
@pytest.mark.parametrize('num_workers', [0, 1])
def test_what_a_pipeline_cannot_do_is_told_with_its_key(
    toy_config, tmp_path, job, num_workers
):
    cfg = load_config(toy_config, {'test_dataloader.num_workers': num_workers})
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline.insert(1, dict(type='Resize', scale=(10**7, 10**7)))
    cfg.tta_pipeline = pipeline
    torch.save(MODELS.build(cfg.model).state_dict(), tmp_path / 'net.pth')
    with pytest.raises(PreflightError, match='(?i)error') as caught:
        JOBS[job](cfg, tmp_path / 'net.pth', tmp_path / 'out')
    assert 'Traceback' not in str(caught.value)
    if not num_workers and job != 'label':
        assert 'pipeline.1 (Resize)' in str(caught.value)
