"""A whole self-training, from image files to the report, that runs within a test."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from segda_mm.datasets.camvid import CLASSES

from .toy_job import toy_config, toy_pictures, write_pair

#: Every third frame is labelled.
EVERY = 3


def write_toy_plan(folder: Path) -> Path:
    """Write one sequence of frames, a training config and a plan; return the plan.

    The 12 training and 2 validation frames are 32x64, named as those of CamVid; the
    last rows are void, as the own bonnet is. Every third frame is labelled. The plan
    has two rounds with a tiny BiSeNet and works in ``folder/work``.
    """
    for split, count, seed in (('train', 12, 0), ('val', 2, 1)):
        for index, (image, labels) in enumerate(toy_pictures(count, seed)):
            image[28:], labels[28:] = 250, 11
            name = f'{split}/0001TP_{index:06d}.png'
            write_pair(folder / 'data', name, image, labels)
    configs = folder / 'configs'
    configs.mkdir(parents=True)
    _training_config(folder).dump(configs / 'tiny.py')
    _plan(folder).dump(configs / 'plan.py')
    return configs / 'plan.py'


def labeled_frames(folder: Path, split: str) -> dict:
    """Config of the labelled frames of a split, without pipeline."""
    return dict(
        type='CamVidDataset',
        data_root=str(folder / 'data'),
        data_prefix=dict(img_path=f'images/{split}', seg_map_path=f'labels/{split}'),
        img_suffix='.png',
    )


def _training_config(folder: Path) -> Config:
    cfg = toy_config(
        len(CLASSES),
        training=labeled_frames(folder, 'train'),
        test=labeled_frames(folder, 'val'),
        load_labels='LoadLabelIds',
        evaluators=[dict(type='PerClassIoUMetric')],
    )
    cfg.param_scheduler[0].end = 3
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=True, interval=1, save_last=True
    )
    return cfg


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
