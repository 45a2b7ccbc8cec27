from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError, MapillaryPanopticDataset, MissingDataError
from segda_mm.datasets.formats.cityscapes_labels import CLASSES, THING_CLASSES
from segda_mm.datasets.formats.mapillary_labels import cityscapes_train_id

LOAD = [{'type': 'LoadImageFromFile'}, {'type': 'LoadPanopticLabels'}]

#: Name, full name, whether it has instances as in panoptic_2018.json; and whether a
#: segment, one a row of the picture, shows a crowd.
SEGMENTS = [
    ('Car', 'object--vehicle--car', 1, 0),
    ('Car', 'object--vehicle--car', 1, 0),
    ('Car', 'object--vehicle--car', 1, 1),
    ('Road', 'construction--flat--road', 0, 0),
    ('Crosswalk', 'marking--crosswalk-zebra', 1, 0),
    ('On Rails', 'object--vehicle--on-rails', 0, 0),
    ('Bird', 'animal--bird', 1, 0),
    ('Pole', 'object--support--pole', 1, 0),
]
NAMES = list(dict.fromkeys(name for name, *_ in SEGMENTS))


@pytest.fixture
def root(tmp_path, write_image):
    """Version 1.2 with two images; the lowest row of each is void."""
    folder = tmp_path / 'training/v1.2/panoptic'
    folder.mkdir(parents=True)
    categories = {
        name: dict(
            id=NAMES.index(name) + 1,
            name=name,
            supercategory=full_name,
            isthing=isthing,
            color=[NAMES.index(name) + 1, 0, 255],
        )
        for name, full_name, isthing, _ in SEGMENTS
    }
    segments = [
        dict(id=1000 * row + 300, category_id=NAMES.index(name) + 1, iscrowd=iscrowd)
        for row, (name, _, _, iscrowd) in enumerate(SEGMENTS)
    ]
    ids = np.append(1000 * np.arange(len(SEGMENTS)) + 300, 0)
    colors = np.stack([ids % 256, ids // 256, 0 * ids], 1).astype(np.uint8)
    annotations = []
    for stem in ('--aB', 'cD_e'):
        write_image(tmp_path / f'training/images/{stem}.jpg', size=(8, 9))
        Image.fromarray(colors[:, None].repeat(8, 1)).save(folder / f'{stem}.png')
        entry = dict(image_id=stem, file_name=f'{stem}.png', segments_info=segments)
        annotations.append(entry)
    content = dict(categories=list(categories.values()), annotations=annotations)
    (folder / 'panoptic_2018.json').write_text(json.dumps(content))
    return tmp_path


def test_own_classes_and_those_of_cityscapes(root):
    dataset = MapillaryPanopticDataset(data_root=str(root), pipeline=LOAD)
    assert len(dataset) == 2
    meta = dataset.metainfo
    assert meta['classes'] == tuple(NAMES)
    assert meta['palette'][3] == [4, 0, 255]
    assert meta['thing_classes'] == [0, 2, 4, 5]
    assert meta['label_ids'] == [1, 2, 3, 4, 5, 6]
    # Two cars, a group of cars, stuff, and things that count from 1 each.
    codes = [1, 2, 0, 1000, 2001, 3000, 4001, 5001, 255000]
    assert dataset[1]['gt_panoptic_seg'][:, 3].tolist() == codes

    dataset = MapillaryPanopticDataset(
        data_root=str(root), map_to_cityscapes=True, pipeline=LOAD
    )
    assert dataset.metainfo['classes'] == CLASSES
    assert dataset.metainfo['thing_classes'] == list(THING_CLASSES)
    # Crossings are road, poles are stuff, trams a group: 1.2 does not part them.
    codes = [13001, 13002, 13000, 0, 0, 16000, 255000, 5000, 255000]
    assert dataset[1]['gt_panoptic_seg'][:, 3].tolist() == codes


def test_table():
    for full_name, expected in (
        ('marking-only--continuous--dashed', 'road'),
        ('construction--flat--traffic-island', 'sidewalk'),
        ('human--person--individual', 'person'),
        ('object--traffic-light--general-upright', 'traffic light'),
        ('nature--sand', 'terrain'),
    ):
        assert cityscapes_train_id(full_name) == CLASSES.index(expected)
    for full_name in (
        'object--traffic-sign--back',
        'object--support--pole-group',
        'object--vehicle--vehicle-group',
    ):
        assert cityscapes_train_id(full_name) == 255


def test_other_versions_and_missing_json(root):
    folder, other = (root / f'training/v{v}/panoptic' for v in ('1.2', '2.0'))
    other.parent.mkdir()
    folder.rename(other)
    (other / 'panoptic_2018.json').rename(other / 'panoptic_2020.json')
    prefix = {'img_path': 'training/images', 'seg_map_path': 'training/v2.0/panoptic'}
    assert len(MapillaryPanopticDataset(data_root=str(root), data_prefix=prefix)) == 2
    with pytest.raises(MissingDataError, match=r'v1\.2/panoptic.*panoptic_2018'):
        MapillaryPanopticDataset(data_root=str(root))


def test_images_without_an_entry_are_named(root, write_image):
    write_image(root / 'training/images/new.jpg')
    write_image(root / 'training/v1.2/panoptic/new.png')
    with pytest.raises(DataError, match=r'panoptic_2018\.json.*no entry for new\.png'):
        MapillaryPanopticDataset(data_root=str(root))
    (root / 'exclude.txt').write_text('new.jpg\n')
    exclude = str(root / 'exclude.txt')
    dataset = MapillaryPanopticDataset(data_root=str(root), exclude=exclude)
    assert len(dataset) == 2
