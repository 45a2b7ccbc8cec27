from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DataError, MapillaryPanopticDataset, MissingDataError
from segda_mm.datasets.formats.cityscapes_labels import CLASSES, THING_CLASSES
from segda_mm.datasets.formats.mapillary_labels import cityscapes_train_id

LOAD = [{'type': 'LoadImageFromFile'}, {'type': 'LoadPanopticLabels'}]

#: Full name, short name and whether it has instances, as in panoptic_2018.json.
CATEGORIES = [
    ('animal--bird', 'Bird', 1),
    ('construction--barrier--curb', 'Curb', 0),
    ('construction--barrier--fence', 'Fence', 0),
    ('construction--barrier--wall', 'Wall', 0),
    ('construction--flat--road', 'Road', 0),
    ('construction--structure--building', 'Building', 0),
    ('human--person', 'Person', 1),
    ('human--rider--bicyclist', 'Bicyclist', 1),
    ('marking--crosswalk-zebra', 'Lane Marking - Crosswalk', 1),
    ('nature--sky', 'Sky', 0),
    ('nature--terrain', 'Terrain', 0),
    ('nature--vegetation', 'Vegetation', 0),
    ('object--support--pole', 'Pole', 1),
    ('object--traffic-light', 'Traffic Light', 1),
    ('object--traffic-sign--front', 'Traffic Sign (Front)', 1),
    ('object--vehicle--bicycle', 'Bicycle', 1),
    ('object--vehicle--bus', 'Bus', 1),
    ('object--vehicle--car', 'Car', 1),
    ('object--vehicle--motorcycle', 'Motorcycle', 1),
    ('object--vehicle--on-rails', 'On Rails', 0),
    ('object--vehicle--truck', 'Truck', 1),
]
IDS = {name: i + 1 for i, (_, name, _) in enumerate(CATEGORIES)}

#: (category, iscrowd) of the segments, one a row of the picture.
SEGMENTS = [
    ('Car', 0),
    ('Car', 0),
    ('Car', 1),
    ('Road', 0),
    ('Lane Marking - Crosswalk', 0),
    ('On Rails', 0),
    ('Bird', 0),
    ('Pole', 0),
]


def _json():
    categories = [
        {
            'id': IDS[name],
            'name': name,
            'supercategory': full_name,
            'isthing': isthing,
            'color': [IDS[name], 0, 255],
        }
        for full_name, name, isthing in CATEGORIES
    ]
    segments = [
        {'id': 1000 * row + 300, 'category_id': IDS[name], 'iscrowd': iscrowd}
        for row, (name, iscrowd) in enumerate(SEGMENTS)
    ]
    annotations = [
        {'image_id': stem, 'file_name': f'{stem}.png', 'segments_info': segments}
        for stem in ('--aB', 'cD_e')
    ]
    return {'categories': categories, 'annotations': annotations}


@pytest.fixture
def root(tmp_path, write_image):
    """Version 1.2 with two images; the lowest row of each is void."""
    root = tmp_path / 'mapillary'
    folder = root / 'training/v1.2/panoptic'
    folder.mkdir(parents=True)
    ids = np.append(1000 * np.arange(len(SEGMENTS)) + 300, 0)
    colors = np.stack([ids % 256, ids // 256, 0 * ids], 1).astype(np.uint8)
    for stem in ('--aB', 'cD_e'):
        write_image(root / f'training/images/{stem}.jpg', size=(8, 9))
        Image.fromarray(colors[:, None].repeat(8, 1)).save(folder / f'{stem}.png')
    (folder / 'panoptic_2018.json').write_text(json.dumps(_json()))
    return root


def _codes(dataset):
    return dataset[1]['gt_panoptic_seg'][:, 3].tolist()


def test_own_classes(root):
    dataset = MapillaryPanopticDataset(data_root=str(root), pipeline=LOAD)
    assert len(dataset) == 2
    meta = dataset.metainfo
    assert meta['classes'] == tuple(name for _, name, _ in CATEGORIES)
    assert meta['palette'][3] == [4, 0, 255]
    assert meta['thing_classes'] == [0, 6, 7, 8, 12, 13, 14, 15, 16, 17, 18, 20]
    assert meta['label_ids'] == list(range(1, 22))
    # Two cars, a group of cars, stuff, and things that count from 1 each.
    assert _codes(dataset) == [
        17001, 17002, 17000, 4000, 8001, 19000, 1, 12001, 255000,
    ]  # fmt: skip


def test_classes_of_cityscapes(root):
    dataset = MapillaryPanopticDataset(
        data_root=str(root), map_to_cityscapes=True, pipeline=LOAD
    )
    assert dataset.metainfo['classes'] == CLASSES
    assert dataset.metainfo['thing_classes'] == list(THING_CLASSES)
    # Crossings are road, poles are stuff, trams a group: 1.2 does not part them.
    assert _codes(dataset) == [
        13001, 13002, 13000, 0, 0, 16000, 255000, 5000, 255000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('full_name', 'expected'),
    [
        ('marking-only--continuous--dashed', 'road'),
        ('construction--flat--traffic-island', 'sidewalk'),
        ('human--person--individual', 'person'),
        ('object--traffic-light--general-upright', 'traffic light'),
        ('object--traffic-sign--back', None),
        ('object--support--pole-group', None),
        ('object--vehicle--vehicle-group', None),
        ('nature--sand', 'terrain'),
    ],
)
def test_table(full_name, expected):
    train_id = cityscapes_train_id(full_name)
    assert train_id == (255 if expected is None else CLASSES.index(expected))


def test_other_versions_and_missing_json(root):
    folder, other = (root / f'training/v{v}/panoptic' for v in ('1.2', '2.0'))
    other.parent.mkdir()
    folder.rename(other)
    (other / 'panoptic_2018.json').rename(other / 'panoptic_2020.json')
    prefix = {'img_path': 'training/images', 'seg_map_path': 'training/v2.0/panoptic'}
    assert len(MapillaryPanopticDataset(data_root=str(root), data_prefix=prefix)) == 2
    with pytest.raises(MissingDataError, match=r'v1\.2/panoptic.*panoptic_2018'):
        MapillaryPanopticDataset(data_root=str(root))


def test_files_that_do_not_fit_are_named(root, write_image):
    folder = root / 'training/v1.2/panoptic'
    write_image(root / 'training/images/new.jpg')
    with pytest.raises(DataError, match=r'new\.png.*is missing'):
        MapillaryPanopticDataset(data_root=str(root))
    Image.new('RGB', (8, 6)).save(folder / 'new.png')
    with pytest.raises(DataError, match=r'panoptic_2018\.json.*no entry for new\.png'):
        MapillaryPanopticDataset(data_root=str(root))
    exclude = root / 'exclude.txt'
    exclude.write_text('new.jpg\n')
    dataset = MapillaryPanopticDataset(data_root=str(root), exclude=str(exclude))
    assert len(dataset) == 2


def test_categories_of_something_else(root):
    content = _json()
    for category in content['categories']:
        category['supercategory'] = 'vehicle'
    path = root / 'training/v1.2/panoptic/panoptic_2018.json'
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match='lacks categories'):
        MapillaryPanopticDataset(data_root=str(root), map_to_cityscapes=True)
