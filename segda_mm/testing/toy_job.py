"""A whole job, from image files to metrics, that trains within a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from .toy_config import toy_config

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


def _config(folder: Path) -> Config:
    cfg = toy_config(
        len(CLASSES),
        training=_dataset(folder / 'data', 'train'),
        test=_dataset(folder / 'data', 'val'),
        load_labels='LoadAnnotations',
        evaluators=[dict(type='PerClassIoUMetric'), dict(type='PixelPrecision')],
    )
    cfg.work_dir = str(folder / 'work')
    return cfg


def _dataset(root: Path, split: str) -> dict:
    return dict(
        type='BaseSegDataset',
        data_root=str(root),
        data_prefix=dict(img_path=f'images/{split}', seg_map_path=f'labels/{split}'),
        img_suffix='.png',
        metainfo=dict(classes=CLASSES, palette=PALETTE),
    )
