from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from segda_mm.datasets import DataError, SYNTHIADataset

CONFIGS = Path(__file__).parents[2] / 'configs'
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadLabelIds')]


@pytest.fixture
def dataset(tmp_path, write_image):
    write_image(tmp_path / 'RGB/0000000.png', size=(23, 2))
    labels = np.zeros((2, 23, 3), dtype=np.uint16)
    # Of OpenCV's channels the last is the first in the file; the next are instances.
    labels[0, :, 2], labels[:, :, 1] = np.arange(23), 700
    (tmp_path / 'GT/LABELS').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'GT/LABELS/0000000.png'), labels)
    return SYNTHIADataset(data_root=str(tmp_path), pipeline=PIPELINE)


def test_the_first_16_bit_channel_is_read(dataset):
    """Classes by the README of the data set, ids 0 to 22."""
    names = (
        'void sky building road sidewalk fence vegetation pole car traffic_sign person '
        'bicycle motorcycle void void traffic_light void rider void bus void wall void'
    )
    labels = dataset[0]['gt_seg_map']
    classes = [*dataset.metainfo['classes'], *['void'] * 240]
    found = [classes[label].replace(' ', '_') for label in labels[0]]
    assert found == names.split()
    assert (labels[1] == 255).all()


@pytest.mark.parametrize('values', [np.zeros((2, 23, 3), np.uint8), 300])
def test_other_files_are_refused(dataset, tmp_path, values):
    file = tmp_path / 'GT/LABELS/0000000.png'
    if np.isscalar(values):
        values = np.full((2, 23, 3), 300, np.uint16)
    cv2.imwrite(str(file), values)
    with pytest.raises(DataError, match='0000000.png'):
        dataset[0]


def test_the_config_names_the_same_classes():
    cfg = Config.fromfile(CONFIGS / '_base_/datasets/synthia2cityscapes_crops.py')
    assert cfg.metainfo.to_dict() == SYNTHIADataset.METAINFO
