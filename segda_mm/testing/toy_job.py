"""A whole job, from image files to metrics, that trains within a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from PIL import Image

from .tiny_models import tiny_bisenet

CLASSES = ('road', 'car', 'sky')
# Not colours of Cityscapes, which mmseg falls back to.
PALETTE = [[90, 10, 10], [10, 90, 10], [10, 10, 90]]


def write_toy_job(folder: Path) -> Path:
    """Write four training and three validation images and a config for them.

    The images are 32x64 and show three classes as blocks of brightness, with void
    (255) in the first row. The config trains a tiny BiSeNet for two epochs into
    ``folder/work``. Returns its path.
    """
    data = folder / 'data'
    for split, count, seed in (('train', 4, 0), ('val', 3, 1)):
        for index, (image, labels) in enumerate(toy_pictures(count, seed)):
            labels[0] = 255
            write_pair(data, f'{split}/{index}.png', image, labels)

    def dataset(split: str) -> dict:
        return dict(
            type='BaseSegDataset',
            data_root=str(data),
            data_prefix=dict(
                img_path=f'images/{split}', seg_map_path=f'labels/{split}'
            ),
            img_suffix='.png',
            metainfo=dict(classes=CLASSES, palette=PALETTE),
        )

    cfg = toy_config(
        len(CLASSES),
        training=dataset('train'),
        test=dataset('val'),
        load_labels='LoadAnnotations',
        evaluators=[dict(type='PerClassIoUMetric'), dict(type='PixelPrecision')],
    )
    cfg.work_dir = str(folder / 'work')
    path = folder / 'configs' / 'toy.py'
    path.parent.mkdir(parents=True)
    cfg.dump(path)
    return path


def toy_pictures(count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw images (32, 64, 3) and their labels (32, 64) of three classes."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        labels = draw.integers(3, size=(4, 8)).repeat(8, 0).repeat(8, 1)
        image = labels * 80 + draw.integers(40, size=labels.shape)
        yield image[..., None].repeat(3, 2), labels


def write_pair(root: Path, name: str, image: np.ndarray, labels: np.ndarray) -> None:
    """Write ``root/images/<name>`` and ``root/labels/<name>``, values 0..255."""
    for folder, array in (('images', image), ('labels', labels)):
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array.astype(np.uint8)).save(path)


def toy_config(
    num_classes: int,
    training: Mapping[str, Any],
    test: Mapping[str, Any],
    load_labels: str,
    evaluators: Sequence[Mapping[str, Any]],
) -> Config:
    """A tiny BiSeNet, trained on images of 32x64 for two epochs.

    Args:
        num_classes: Of the network.
        training, test: Data sets without pipeline.
        load_labels: ``type`` of the transform that reads the labels.
        evaluators: Configs of the metrics.
    """
    load = [dict(type='LoadImageFromFile')]
    label = [dict(type=load_labels), dict(type='PackSegInputs')]
    views = [
        [dict(type='Resize', scale_factor=factor) for factor in (1.0, 1.5)],
        [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
        label[:1],
        label[1:],
    ]

    def loader(dataset: Mapping[str, Any], **sampler) -> dict:
        dataset = dict(dataset, pipeline=load + label)
        return dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset)

    test_loader = loader(test, type='DefaultSampler', shuffle=False)
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
            train_dataloader=loader(training, type='ResumableSampler', shuffle=True),
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
