"""The training config of toy jobs and plans, apart from their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from .tiny_models import tiny_bisenet


def toy_config(
    num_classes: int,
    training: Mapping[str, Any],
    test: Mapping[str, Any],
    load_labels: str,
    evaluators: Sequence[Mapping[str, Any]],
) -> Config:
    """A tiny BiSeNet, trained on images of 32x64 for two epochs.

    It has all that the configs of ``configs`` have, test-time augmentation
    included.

    Args:
        num_classes: of the network.
        training: data set without pipeline.
        test: the same, to evaluate on.
        load_labels: ``type`` of the transform that reads the labels.
        evaluators: configs of the metrics.
    """
    load = [dict(type='LoadImageFromFile')]
    label = [dict(type=load_labels), dict(type='PackSegInputs')]
    views = [
        [dict(type='Resize', scale_factor=factor) for factor in (1.0, 1.5)],
        [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
        label[:1],
        label[1:],
    ]
    shuffled = dict(type='ResumableSampler', shuffle=True)
    in_order = dict(type='DefaultSampler', shuffle=False)
    test_loader = _loader(dict(test, pipeline=load + label), in_order)
    preprocessor = dict(
        type='SegDataPreProcessor',
        size=(32, 64),
        test_cfg=dict(size_divisor=32),
        mean=[110] * 3,
        std=[70] * 3,
        seg_pad_val=255,
    )
    return Config(
        dict(
            default_scope='mmseg',
            custom_imports=dict(imports=['segda_mm'], allow_failed_imports=False),
            model=dict(tiny_bisenet(num_classes), data_preprocessor=preprocessor),
            train_dataloader=_loader(dict(training, pipeline=load + label), shuffled),
            val_dataloader=test_loader,
            test_dataloader=test_loader,
            tta_model=dict(type='SemanticTTA'),
            tta_pipeline=[*load, dict(type='TestTimeAug', transforms=views)],
            val_evaluator=list(evaluators),
            test_evaluator=list(evaluators),
            train_cfg=dict(type='ResumableEpochTrainLoop', max_epochs=2),
            val_cfg=dict(type='ValLoop'),
            test_cfg=dict(type='TestLoop'),
            optim_wrapper=dict(
                type='GradientAveragingOptimWrapper',
                optimizer=dict(type='SGD', lr=0.01, momentum=0.9),
            ),
            param_scheduler=[dict(type='PolyLR', power=0.9, end=2, by_epoch=True)],
            default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
            runner_type='AdaptationRunner',
            model_wrapper_cfg=dict(type='PassThroughDistributed'),
            randomness=dict(seed=0),
        )
    )


def _loader(dataset: dict, sampler: dict) -> dict:
    return dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset)
