"""A whole self-training, from image files to the report, that runs within a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from segda_mm.datasets.camvid_frames import CLASSES

from .tiny_models import tiny_bisenet

NUM_TRAINING_FRAMES = 12
NUM_VALIDATION_FRAMES = 2

#: Every third frame is labelled.
EVERY = 3


def write_toy_plan(folder: Path) -> Path:
    """Write one sequence of frames, a training config and a plan.

    The frames are 32x64, named as those of CamVid, and show three of its
    classes in blocks of brightness; the last rows are void, as the own bonnet
    is. Every third frame is labelled. The plan has two rounds with a tiny
    BiSeNet, one of them with fine-tuning, and works in ``folder/work``.

    Args:
        folder: where ``data``, ``configs`` and later ``work`` go.

    Returns:
        The plan file.
    """
    _write_frames(folder / 'data', 'train', NUM_TRAINING_FRAMES, seed=0)
    _write_frames(folder / 'data', 'val', NUM_VALIDATION_FRAMES, seed=1)
    configs = folder / 'configs'
    configs.mkdir(parents=True)
    _training_config(folder).dump(configs / 'tiny.py')
    _plan(folder).dump(configs / 'plan.py')
    return configs / 'plan.py'


def _write_frames(root: Path, split: str, count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    for index in range(count):
        labels = draw.integers(3, size=(4, 8)).repeat(8, 0).repeat(8, 1)
        image = (labels * 80 + draw.integers(40, size=labels.shape))[..., None]
        image, labels = image.repeat(3, 2), labels.copy()
        image[28:], labels[28:] = 250, 11
        for folder, array in (('images', image), ('labels', labels)):
            path = root / folder / split / f'0001TP_{index:06d}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(path)


def labeled_frames(folder: Path, split: str) -> dict:
    """Config of the labelled frames of a split, without pipeline."""
    return dict(
        type='CamVidDataset',
        data_root=str(folder / 'data'),
        data_prefix=dict(img_path=f'images/{split}', seg_map_path=f'labels/{split}'),
        img_suffix='.png',
    )


def _loader(dataset: dict, sampler: dict) -> dict:
    return dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset)


def _training_config(folder: Path) -> Config:
    load = [dict(type='LoadImageFromFile')]
    label = [dict(type='LoadLabelIds'), dict(type='PackSegInputs')]
    views = [
        [dict(type='Resize', scale_factor=factor) for factor in (1.0, 1.5)],
        [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)],
        label[:1],
        label[1:],
    ]
    pipeline = load + label
    shuffled = dict(type='ResumableSampler', shuffle=True)
    in_order = dict(type='DefaultSampler', shuffle=False)
    training = dict(labeled_frames(folder, 'train'), pipeline=pipeline)
    test = dict(labeled_frames(folder, 'val'), pipeline=pipeline)
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
            model=dict(
                tiny_bisenet(num_classes=len(CLASSES)), data_preprocessor=preprocessor
            ),
            train_dataloader=_loader(training, shuffled),
            val_dataloader=_loader(test, in_order),
            test_dataloader=_loader(test, in_order),
            tta_model=dict(type='SemanticTTA'),
            tta_pipeline=[*load, dict(type='TestTimeAug', transforms=views)],
            val_evaluator=[dict(type='PerClassIoUMetric')],
            test_evaluator=[dict(type='PerClassIoUMetric')],
            train_cfg=dict(type='ResumableEpochTrainLoop', max_epochs=2),
            val_cfg=dict(type='ValLoop'),
            test_cfg=dict(type='TestLoop'),
            optim_wrapper=dict(
                type='GradientAveragingOptimWrapper',
                optimizer=dict(type='SGD', lr=0.01, momentum=0.9),
            ),
            param_scheduler=[dict(type='PolyLR', power=0.9, end=3, by_epoch=True)],
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(
                    type='CheckpointHook', by_epoch=True, interval=1, save_last=True
                ),
            ),
            runner_type='AdaptationRunner',
            model_wrapper_cfg=dict(type='PassThroughDistributed'),
            randomness=dict(seed=0),
        )
    )


def _plan(folder: Path) -> Config:
    config = str(folder / 'configs' / 'tiny.py')
    images = dict(
        type='CamVidImagesDataset',
        data_root=str(folder / 'data'),
        images='images/train',
        leave_out_every=EVERY,
    )
    annotated = dict(labeled_frames(folder, 'train'), every=EVERY)
    return Config(
        dict(
            work_dir=str(folder / 'work'),
            seed=3,
            labeled=dict(dataset=dict(every=EVERY)),
            unlabeled=dict(
                others=dict(
                    images=images,
                    truth=labeled_frames(folder, 'train'),
                    ego_car=dict(
                        annotated=annotated,
                        ego_ids=(11,),
                        snippets=dict(pattern='(?P<snippet>0001TP)_'),
                        touching_bottom=True,
                    ),
                )
            ),
            teacher=dict(config=config),
            labeling=dict(tta=True, num_workers=0),
            rounds=[
                dict(student=dict(config=config), finetune=dict(steps=2)),
                dict(student=dict(config=config, init='previous student', steps=3)),
            ],
        )
    )
