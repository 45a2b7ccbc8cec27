from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image

from segda_mm.datasets import PairedSegDataset


@pytest.fixture(autouse=True)
def mmseg_scope():
    """Resolve pipelines as the configs do (``default_scope = 'mmseg'``)."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def write_image():
    """Write a small RGB image, made of the seed; return its path."""

    def write(path: Path, size: tuple[int, int] = (8, 6), seed: int = 0) -> Path:
        width, height = size
        pixels = np.random.default_rng(seed).integers(
            0, 256, (height, width, 3), dtype=np.uint8
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def write_label():
    """Write a palette PNG of ids, an array or a number; return its path."""

    def write(path: Path, ids, size: tuple[int, int] = (8, 6)) -> Path:
        if np.isscalar(ids):
            ids = np.full(size[::-1], ids)
        image = Image.fromarray(np.asarray(ids, dtype=np.uint8), mode='L')
        image = image.convert('P')
        # A palette in which neighbouring ids look alike: reading colours
        # instead of indices would be noticed.
        image.putpalette(list(range(255, -1, -1)) * 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        return path

    return write


@pytest.fixture
def write_instance_ids():
    """Write a 16-bit PNG of instance ids, an array or a number; return its path."""

    def write(path: Path, ids, size: tuple[int, int] = (8, 6)) -> Path:
        if np.isscalar(ids):
            ids = np.full(size[::-1], ids)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(ids, dtype=np.uint16)).save(path)
        return path

    return write


@pytest.fixture
def names_of():
    """The names of a data set's images."""
    return lambda dataset: [
        dataset.get_data_info(index)['relative_path'] for index in range(len(dataset))
    ]


@pytest.fixture
def gta5_root(tmp_path, write_image, write_label):
    """A GTA5 tree of six pairs; label i is road (7), but one pixel of i."""
    root = tmp_path / 'gta5'
    for i in range(6):
        write_image(root / f'images/{i + 1:05d}.png', seed=i)
        ids = np.full((6, 8), 7)
        ids[0, 0] = i
        write_label(root / f'labels/{i + 1:05d}.png', ids)
    return root


@pytest.fixture
def cityscapes_root(tmp_path, write_image, write_label):
    """A Cityscapes tree of two cities to train and one to validate on."""
    root = tmp_path / 'cityscapes'
    for split, city, count in (
        ('train', 'aachen', 3),
        ('train', 'bochum', 2),
        ('val', 'frankfurt', 3),
    ):
        for i in range(count):
            stem = f'{split}/{city}/{city}_{i:06d}_000019'
            write_image(root / f'leftImg8bit/{stem}_leftImg8bit.png', seed=i)
            write_label(root / f'gtFine/{stem}_gtFine_labelIds.png', 26)
            write_label(root / f'gtFine/{stem}_gtFine_color.png', 1)
    return root


@pytest.fixture
def camvid_root(tmp_path, write_image, write_label):
    """A CamVid tree: five frames of dusk, four of a day sequence."""
    root = tmp_path / 'camvid'
    stems = [f'train/0001TP_{i:06d}' for i in (90, 120, 60, 30, 150)]
    stems += [f'train/0016E5_{i:05d}' for i in (30, 60)]
    # Later frames of the sequence lie in the other folder.
    stems += [f'val/0016E5_{i:05d}' for i in (45, 75)]
    for i, stem in enumerate(stems):
        write_image(root / f'images/{stem}.jpg', seed=i)
        write_label(root / f'labels/{stem}.png', i)
    return root


@pytest.fixture
def rare_root(tmp_path, write_image, write_label):
    """Four pairs of 20 pixels; in all 62 of road, 7 of car, 1 of rider, 10 void."""
    contents = [{7: 20}, {7: 15, 26: 5}, {7: 19, 25: 1}, {0: 10, 7: 8, 26: 2}]
    for index, content in enumerate(contents):
        ids = np.repeat(list(content), list(content.values()))
        write_image(tmp_path / f'rare/images/a/{index}.png', (5, 4), seed=index)
        write_label(tmp_path / f'rare/labels/a/{index}.png', ids.reshape(4, 5))
    return tmp_path / 'rare'


@pytest.fixture
def rare_streets(rare_root):
    """Build the data set of ``rare_root``, whose label ids are no train ids."""
    table = {7: 0, 26: 1, 25: 2, 31: 3, 0: 255}
    classes = ('road', 'car', 'rider', 'train')
    task = dict(classes=classes, palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]])

    class Streets(PairedSegDataset):
        METAINFO = task
        LABEL_TABLE = table

    def build(augmentation=(), **kwargs):
        load = [dict(type='LoadImageFromFile'), dict(type='LoadLabelIds')]
        return Streets(
            data_root=str(rare_root),
            pipeline=[*load, *augmentation],
            # To do so is what takes the time of data sets this small.
            serialize_data=False,
            **kwargs,
        )

    return build
