from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from PIL import Image
from torch.utils.data import DataLoader

from segda_mm.apis import PreflightError
from segda_mm.apis.checks import require_data
from segda_mm.datasets import DataError, FourierStyle, MissingDataError
from segda_mm.ops.style import transfer_low_frequencies
from segda_mm.registry import DATASETS, TRANSFORMS

RED, GREEN = (200, 30, 10), (20, 180, 40)


@pytest.fixture
def write_plain(tmp_path):
    """Write images of one colour each; return the config of their data set."""

    def write(*colors):
        for index, color in enumerate(colors):
            file = tmp_path / 'target' / f'{index}.png'
            file.parent.mkdir(exist_ok=True)
            Image.new('RGB', (20, 10), color).save(file)
        return dict(
            type='UnlabeledImageDataset',
            images=str(tmp_path / 'target'),
            # To do so is what takes the time of data sets this small.
            serialize_data=False,
        )

    return write


def plain(color, dtype=np.uint8, size=(6, 8)):
    """An image as it is loaded, BGR."""
    return np.full((*size, 3), color[::-1], dtype=dtype)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_a_plain_image_takes_the_colour_of_a_plain_target(write_plain, dtype):
    transform = FourierStyle(write_plain(RED), beta=0.1, prob=1)
    image = transform({'img': plain(GREEN, dtype)})['img']
    assert image.dtype == dtype
    np.testing.assert_allclose(image, plain(RED), atol=1e-3)


def test_the_target_is_resized_and_the_result_clipped(tmp_path, write_image):
    # Noise of great contrast on a target that is bright all over.
    pixels = np.random.default_rng(1).integers(0, 2, (6, 8, 3), dtype=np.uint8) * 255
    write_image(tmp_path / 'target/0.png', size=(8, 6), seed=3)
    transform = FourierStyle(
        dict(type='UnlabeledImageDataset', images=str(tmp_path / 'target')), 0.4, 1
    )
    style = np.asarray(Image.open(tmp_path / 'target/0.png'))[..., ::-1]
    exact = transfer_low_frequencies(pixels, style, 0.4)
    assert exact.min() < -1 and exact.max() > 256
    image = transform({'img': pixels.copy()})['img']
    assert np.abs(image - exact.clip(0, 255)).max() <= 0.5
    larger = np.kron(pixels, np.ones((3, 2, 1), dtype=np.uint8))
    assert transform({'img': larger})['img'].shape == (18, 16, 3)


def test_targets_are_drawn_alike_and_with_the_given_probability(write_plain):
    transform = FourierStyle(write_plain(RED, GREEN, (9, 9, 9)), beta=0.1, prob=0.6)
    np.random.seed(0)
    counts = {}
    for _ in range(1000):
        image = transform({'img': plain((0, 0, 99))})['img']
        color = tuple(image[0, 0, ::-1].tolist())
        counts[color] = counts.get(color, 0) + 1
    expected = {RED: 200, GREEN: 200, (9, 9, 9): 200, (0, 0, 99): 400}
    assert counts.keys() == expected.keys()
    # Four standard deviations, at most 16 each.
    assert all(abs(counts[color] - expected[color]) < 64 for color in expected)


def test_beta_or_prob_of_zero_leave_the_image(write_plain, write_image, tmp_path):
    image = np.asarray(Image.open(write_image(tmp_path / 'source.png')))
    for beta, prob in ((0, 1), (0.1, 0)):
        transform = FourierStyle(write_plain(RED), beta, prob)
        assert (transform({'img': image})['img'] == image).all()


def pair(gta5_root, cityscapes_root, **fourier):
    """A config of GTA5 in the style of the Cityscapes images it is paired with."""
    target = dict(
        type='CityscapesImagesDataset',
        data_root=str(cityscapes_root),
        serialize_data=False,
    )
    style = dict(type='FourierStyle', images=target, beta=0.1, prob=0.5, **fourier)
    image = dict(type='LoadImageFromFile')
    source = dict(
        type='GTA5Dataset',
        data_root=str(gta5_root),
        serialize_data=False,
        pipeline=[
            image,
            dict(type='LoadLabelIds'),
            dict(type='Resize', scale=(16, 12), keep_ratio=False),
            style,
            dict(type='PackSegInputs'),
        ],
    )
    target = dict(target, pipeline=[image, dict(type='PackSegInputs')])
    return dict(type='DomainPairDataset', source=source, target=target)


def test_samples_do_not_depend_on_the_workers(gta5_root, cityscapes_root):
    dataset = DATASETS.build(
        dict(
            type='CounterSeededDataset',
            dataset=pair(gta5_root, cityscapes_root),
        )
    )

    def epoch(number, workers, indices=range(6)):
        dataset.set_epoch(number, seed=1)
        loader = DataLoader(
            dataset, sampler=indices, num_workers=workers, collate_fn=pseudo_collate
        )
        return [batch['source']['inputs'][0] for batch in loader]

    alone = epoch(2, workers=0)
    assert all(map(torch.equal, alone, epoch(2, workers=2)))
    assert all(map(torch.equal, alone[4:], epoch(2, 0, indices=[4, 5])))
    assert not all(map(torch.equal, alone, epoch(3, workers=0)))


def test_an_absent_folder_is_told_before_the_training(gta5_root, tmp_path):
    dataset = pair(gta5_root, tmp_path)['source']
    cfg = Config(dict(train_dataloader=dict(dataset=dataset)))
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader',))
    message = str(caught.value)
    assert 'the data of train_dataloader are not there' in message
    assert str(tmp_path / 'leftImg8bit' / 'train') in message
    assert 'for images= of FourierStyle in the pipeline' in message


def test_a_target_image_that_cannot_be_decoded_is_named(write_plain, tmp_path):
    images = write_plain(RED)
    (tmp_path / 'target' / '0.png').write_bytes(b'no image')
    with pytest.raises(DataError, match=r'target/0\.png: image cannot be decoded'):
        FourierStyle(images, 0.1, 1)({'img': plain(GREEN)})


def test_wrong_arguments(write_plain):
    images = write_plain(RED)
    with pytest.raises(ValueError, match=r'beta=0.5 of FourierStyle'):
        FourierStyle(images, 0.5, 1)
    with pytest.raises(ValueError, match='prob=2 of FourierStyle'):
        FourierStyle(images, 0.1, 2)
    with pytest.raises(ValueError, match=r"images= of FourierStyle is 'folder'"):
        FourierStyle('folder', 0.1, 1)
    with pytest.raises(MissingDataError, match='nowhere'):
        FourierStyle(dict(images, images='nowhere'), 0.1, 1)


def test_built_from_a_config_whose_pipeline_is_not_used(write_plain):
    images = dict(write_plain(RED), pipeline=[dict(type='PackSegInputs')])
    transform = TRANSFORMS.build(
        dict(type='FourierStyle', images=images, beta=0.1, prob=1)
    )
    assert repr(transform) == 'FourierStyle(1 images, beta=0.1, prob=1)'
    assert (transform({'img': plain(GREEN)})['img'] == plain(RED)).all()
    assert images['pipeline'] == [dict(type='PackSegInputs')]
