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
    """Write a small RGB image, made of the seed."""

    def write(path: Path, size: tuple[int, int] = (8, 6), seed: int = 0) -> None:
        pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)

    return write


@pytest.fixture
def write_label():
    """Write a palette PNG, or a 16-bit one, of ids, an array or a number."""

    def write(path: Path, ids, size: tuple[int, int] = (8, 6), bits: int = 8) -> Path:
        if np.isscalar(ids):
            ids = np.full(size[::-1], ids)
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.asarray(ids).astype(f'uint{bits}'))
        if bits == 8:
            image = image.convert('P')
            # A palette in which neighbouring ids look alike: reading colours
            # instead of indices would be noticed.
            image.putpalette(list(range(255, -1, -1)) * 3)
        image.save(path)
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
    for city, count in (('train/aachen', 3), ('train/bochum', 2), ('val/frankfurt', 3)):
        for i in range(count):
            stem = f'{city}/{city.split("/")[1]}_{i:06d}_000019'
            write_image(root / f'leftImg8bit/{stem}_leftImg8bit.png', seed=i)
            write_label(root / f'gtFine/{stem}_gtFine_labelIds.png', 26)
            write_label(root / f'gtFine/{stem}_gtFine_color.png', 1)
    return root


@pytest.fixture
def instances_root(tmp_path, write_image, write_label):
    """A Cityscapes tree: road, and a car and a bus of two pixels each."""
    root = tmp_path / 'instances'
    ids = np.full((6, 8), 7)
    ids[2, 1:3], ids[4, 6:8] = 26000, 28003
    for city in ('aachen', 'bochum'):
        stem = f'train/{city}/{city}_000000_000019'
        write_image(root / f'leftImg8bit/{stem}_leftImg8bit.png')
        write_label(root / f'gtFine/{stem}_gtFine_instanceIds.png', ids, bits=16)
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
    task = dict(classes=('road', 'car', 'rider', 'train'), palette=[[1] * 3] * 4)
    ids = {7: 0, 26: 1, 25: 2, 31: 3, 0: 255}

    def build(augmentation=(), root=rare_root, table=ids, **kwargs):
        class Streets(PairedSegDataset):
            METAINFO = task
            LABEL_TABLE = table

        load = [dict(type='LoadImageFromFile'), dict(type='LoadLabelIds')]
        # To serialize is what takes the time of data sets this small.
        return Streets(
            data_root=str(root),
            pipeline=[*load, *augmentation],
            serialize_data=False,
            **kwargs,
        )

    return build
