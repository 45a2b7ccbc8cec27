"""Images that are decoded once, and kept as pixels."""

import os

import mmcv
import numpy as np
import pytest
import torch

from segda_mm.datasets import UnlabeledImageDataset
from segda_mm.datasets.counter_seeded import CounterSeededDataset
from segda_mm.datasets.transforms import LoadImageFromFile

TRAINING = [
    dict(type='RandomResize', scale=(16, 12), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(4, 4)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]


@pytest.fixture
def photo(tmp_path, write_image):
    write_image(tmp_path / 'photos/a.png')
    return tmp_path / 'photos/a.png'


@pytest.fixture
def load(tmp_path, photo):
    """Load the photo with a cache."""
    cache = str(tmp_path / 'decoded')
    return lambda: LoadImageFromFile(cache=cache)(dict(img_path=str(photo)))


def batches(folder, cache, num_workers):
    """Ten batches of augmented images, seeded, of two epochs."""
    load = dict(type='LoadImageFromFile', cache=cache)
    dataset = CounterSeededDataset(
        UnlabeledImageDataset(f'{folder}/*.png', pipeline=[load, *TRAINING])
    )
    for epoch in range(2):
        dataset.set_epoch(epoch, seed=0)
        loader = torch.utils.data.DataLoader(
            dataset, 2, num_workers=num_workers, collate_fn=list
        )
        for batch in loader:
            yield torch.stack([sample['inputs'] for sample in batch])


def test_ten_training_batches_are_the_same_to_the_bit(tmp_path, write_image):
    for number in range(10):
        write_image(tmp_path / f'photos/{number}.png', seed=number)
    # Two workers read and write one folder.
    made = batches(tmp_path / 'photos', str(tmp_path / 'decoded'), num_workers=2)
    plain = batches(tmp_path / 'photos', None, num_workers=0)
    pairs = list(zip(made, plain, strict=True))
    assert len(pairs) == 10
    for ours, expected in pairs:
        assert torch.equal(ours, expected)
    assert len(list((tmp_path / 'decoded').iterdir())) == 10


def test_an_image_is_decoded_once(load, photo, monkeypatch):
    expected = LoadImageFromFile()(dict(img_path=str(photo)))
    assert load().keys() == expected.keys()
    monkeypatch.setattr(mmcv, 'imfrombytes', None)
    for _ in range(2):
        found = load()
        np.testing.assert_array_equal(found['img'], expected['img'])
        assert found['img_shape'] == found['ori_shape'] == (6, 8)
        # What is done to it does not reach the file.
        found['img'][:] = 0


def test_what_has_changed_is_decoded_anew(load, photo, write_image, tmp_path):
    first = load()['img'].copy()
    write_image(photo, seed=1)
    os.utime(photo, ns=(0, 0))
    assert not np.array_equal(load()['img'], first)
    gray = LoadImageFromFile(color_type='grayscale', cache=str(tmp_path / 'decoded'))
    assert gray(dict(img_path=str(photo)))['img'].ndim == 2


@pytest.mark.parametrize('damage', ['flipped', 'cut', 'emptied', 'foreign'])
def test_a_damaged_file_is_written_anew(load, tmp_path, damage):
    expected = load()['img'].copy()
    (file,) = (tmp_path / 'decoded').iterdir()
    whole = file.read_bytes()
    middle = len(whole) - 40
    file.write_bytes(
        dict(
            flipped=whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            cut=whole[:middle],
            emptied=b'',
            foreign=b'PK\3\4' + whole,
        )[damage]
    )
    np.testing.assert_array_equal(load()['img'], expected)
    assert file.read_bytes() == whole


def test_what_a_cache_cannot_hold_is_said(load, photo, tmp_path):
    with pytest.raises(ValueError, match='leave out to_float32'):
        LoadImageFromFile(to_float32=True, cache=str(tmp_path / 'decoded'))
    photo.unlink()
    with pytest.raises(FileNotFoundError, match=r'a\.png'):
        load()
