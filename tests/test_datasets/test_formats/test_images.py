"""Images larger than Pillow allows by itself, and how they are stored."""

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import GTA5Dataset
from segda_mm.datasets.class_counts import count_pixels
from segda_mm.datasets.data_check import check_data
from segda_mm.datasets.formats.cityscapes_instances import read_instance_ids
from segda_mm.datasets.formats.images import open_image
from segda_mm.datasets.formats.label_files import read_label_ids
from segda_mm.datasets.formats.panoptic_files import read_panoptic_png
from segda_mm.errors import DataError


@pytest.fixture
def bomb_limit(monkeypatch):
    """Pillow takes 25 pixels for an attack; the images of these tests have 48."""
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 12)
    yield
    # It is that of the user's program.
    assert Image.MAX_IMAGE_PIXELS == 12


def test_labels_of_any_size(bomb_limit, tmp_path, write_label, write_image):
    with pytest.raises(Image.DecompressionBombError):
        Image.open(write_label(tmp_path / 'ids.png', 7))
    assert read_label_ids(tmp_path / 'ids.png').shape == (6, 8)
    assert read_instance_ids(write_label(tmp_path / 'i.png', 7, bits=16)).max() == 7
    write_image(tmp_path / 'panoptic.png')
    assert read_panoptic_png(tmp_path / 'panoptic.png').shape == (6, 8)


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_data_sets_and_checks_of_any_size(bomb_limit, gta5_root, backend):
    load = [
        dict(type='LoadImageFromFile', imdecode_backend=backend),
        dict(type='LoadLabelIds'),
    ]
    config = dict(type='GTA5Dataset', data_root=str(gta5_root), pipeline=load)
    (report,) = check_data(dict(train_dataloader=dict(dataset=config)))
    assert (report.num_samples, report.problems) == (6, [])
    assert report.pixels.sum() + report.void_pixels == 6 * 48
    dataset = GTA5Dataset(data_root=str(gta5_root), pipeline=load)
    assert dataset[0]['img'].shape[:2] == dataset[0]['gt_seg_map'].shape == (6, 8)


def test_the_limit_of_opencv_is_told(tmp_path, write_label, monkeypatch):
    monkeypatch.setenv('OPENCV_IO_MAX_IMAGE_PIXELS', '40')
    path = write_label(tmp_path / 'ids.png', 7)
    with pytest.raises(DataError, match=r'8x6 .* 40 pixels; .*OPENCV_IO_MAX_IMAGE_PIX'):
        read_label_ids(path)
    monkeypatch.setenv('OPENCV_IO_MAX_IMAGE_PIXELS', '48')
    with open_image(path) as image:
        assert image.size == (8, 6)


def test_pixels_are_counted_in_parts():
    ids = np.arange(9_000_000, dtype=np.uint32).astype(np.uint8).reshape(3000, 3000)
    expected = np.bincount(ids.ravel())
    counts = count_pixels(ids, 19)
    assert counts.tolist() == [*expected[:19], expected[19:].sum()]
    assert count_pixels(ids[:0], 2).tolist() == [0, 0, 0]
