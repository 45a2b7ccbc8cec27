"""A whole job, from image files to metrics, that trains within a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from .tiny_models import tiny_bisenet

CLASSES = ('road', 'car', 'sky')
# Not colours of Cityscapes, which mmseg falls back to.
PALETTE = [[90, 10, 10], [10, 90, 10], [10, 10, 90]]


def write_toy_job(folder: Path) -> Path:
    """Write four training and three validation images and a config for them.

    The images are 32x64 and show three classes as bands of brightness, with
    void (255) in the first row. The config, which trains a tiny BiSeNet for
    two epochs into ``folder/work``, has all that those of ``configs`` have.

    Args:
        folder: where ``data``, ``configs/toy.py`` and later ``work`` go.

    Returns:
        The config file.
    """
    _write_images(folder / 'data', 'train', count=4, seed=0)
    _write_images(folder / 'data', 'val', count=3, seed=1)
    path = folder / 'configs' / 'toy.py'
    path.parent.mkdir(parents=True)
    _config(folder).dump(path)
    return path


def _write_images(root: Path, split: str, count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    for index in range(count):
        labels = draw.integers(3, size=(4, 8)).repeat(8, 0).repeat(8, 1)
        image = (labels * 80 + draw.integers(40, size=labels.shape))[..., None]
        labels[0] = 255
        for folder, array in (('images', image.repeat(3, 2)), ('labels', labels)):
            path = root / folder / split / f'{index}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(path)


def _loader(root: Path, split: str, pipeline: list, sampler: dict) -> dict:
    return dict(
        batch_size=2,
        num_workers=0,
        sampler=sampler,
        dataset=dict(
            type='BaseSegDataset',
            data_root=str(root),
            data_prefix=dict(
                img_path=f'images/{split}', seg_map_path=f'labels/{split}'
            ),
            img_suffix='.png',
            metainfo=dict(classes=CLASSES, palette=PALETTE),
            pipeline=pipeline,
        ),
    )


def _config(folder: Path) -> Config:
    load = [dict(type='LoadImageFromFile')]
    label = [dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
    views = [
        [dict(type='Resize', scale_factor=factor) for factor in (1.0, 1.5)],
        [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
        label[:1],
        label[1:],
    ]
    in_order = dict(type='DefaultSampler', shuffle=False)
    shuffled = dict(type='ResumableSampler', shuffle=True)
    test_loader = _loader(folder / 'data', 'val', load + label, in_order)
    evaluator = [dict(type='PerClassIoUMetric'), dict(type='PixelPrecision')]
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
            model=dict(tiny_bisenet(num_classes=3), data_preprocessor=preprocessor),
            train_dataloader=_loader(folder / 'data', 'train', load + label, shuffled),
            val_dataloader=test_loader,
            test_dataloader=test_loader,
            tta_model=dict(type='SemanticTTA'),
            tta_pipeline=[*load, dict(type='TestTimeAug', transforms=views)],
            val_evaluator=evaluator,
            test_evaluator=evaluator,
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
            work_dir=str(folder / 'work'),
        )
    )
