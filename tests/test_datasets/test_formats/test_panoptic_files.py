import json

import numpy as np
import pytest
from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic
from PIL import Image

from segda_mm.datasets.formats.cityscapes_instances import codes_from_instance_ids
from segda_mm.datasets.formats.cityscapes_labels import LABEL_IDS, THING_CLASSES
from segda_mm.datasets.formats.panoptic_files import (
    codes_from_segments,
    read_panoptic_json,
    read_panoptic_png,
    segments_from_codes,
    write_panoptic_json,
    write_panoptic_png,
)
from segda_mm.errors import DataError

VOID = 255000


def test_colors_are_numbers_to_the_base_256(tmp_path):
    file = tmp_path / 'new/a.png'
    ids = np.array([[0, 1, 256], [65536, 256**3 - 1, 26001]])
    write_panoptic_png(file, ids)
    with Image.open(file) as image:
        colors = np.asarray(image).reshape(-1, 3).tolist()
    assert colors == [
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [255, 255, 255],
        [145, 101, 0],
    ]
    read = read_panoptic_png(file)
    assert read.dtype == np.int32
    np.testing.assert_array_equal(read, ids)
    assert [path.name for path in file.parent.iterdir()] == ['a.png']


def test_json_round_trip(tmp_path):
    file = tmp_path / 'panoptic.json'
    categories = [dict(id=7, name='road', isthing=0)]
    annotations = [dict(image_id='b', file_name='b.png', segments_info=[dict(id=7)])]
    write_panoptic_json(file, categories, annotations)
    index = read_panoptic_json(file)
    assert index.categories == {7: categories[0]}
    assert index.annotations == {'b': annotations[0]}
    assert json.loads(file.read_text())['images'] == []


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'does not exist'),
        ('{', 'not a JSON file'),
        ('{"categories": []}', "'annotations'"),
        ('{"categories": [], "annotations": [{"image_id": 1}]}', "'file_name'"),
    ],
)
def test_unreadable_json(text, message, tmp_path):
    file = tmp_path / 'panoptic.json'
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError, match=f'panoptic.json.*{message}'):
        read_panoptic_json(file)


def segment(number, category, **more):
    return dict(id=number, category_id=category, **more)


# Categories 1 to 3 are void, stuff (class 0) and things (class 1).
CLASS_OF_CATEGORY = {1: 255, 2: 0, 3: 1}


def codes(ids, *segments):
    ids = np.array([ids], np.int32)
    return codes_from_segments(ids, segments, CLASS_OF_CATEGORY, [1], 'a.png')


def test_codes_by_hand():
    got = codes(
        [0, 70000, 5, 5, 9, 300, 8, 4],
        segment(70000, 3),
        segment(5, 2),
        segment(9, 3, iscrowd=1),
        segment(300, 3, iscrowd=0),
        segment(8, 1),
        segment(4, 2),
        segment(80000, 3),
    )
    assert got.dtype == np.int32
    # Things count in the order of the list; 80000 has no pixel.
    assert got.tolist() == [[VOID, 1001, 0, 0, 1000, 1002, VOID, 0]]
    got = codes([5, 999], *(segment(i, 3) for i in range(1, 1000)))
    assert got.tolist() == [[1005, 1999]]


@pytest.mark.parametrize(
    ('segments', 'message'),
    [
        ([], r'segment ids \[5\] in 2 pixels'),
        ([segment(5, 77)], 'segment 5 has the category 77'),
        ([segment(5, 2), segment(5, 3)], '5 is listed twice'),
        ([segment(5, 2), segment(0, 3)], 'segment id 0'),
        ([segment(i, 3) for i in range(1, 1001)], '1000 instances of class 1'),
    ],
)
def test_segments_that_are_wrong(segments, message):
    with pytest.raises(DataError, match=rf'a\.png.*{message}'):
        codes([0, 5, 5], *segments)


@pytest.mark.parametrize(
    ('label_ids', 'message'),
    [([0, 3], '0 is void'), ([2, 1000], '1 to 999')],
)
def test_label_ids_that_do_not_fit(label_ids, message):
    with pytest.raises(ValueError, match=message):
        segments_from_codes(np.array([[0, 1001]]), label_ids, [1])


def test_equals_the_conversion_of_cityscapesscripts(tmp_path, capsys):
    rng = np.random.default_rng(0)
    values = [0, 4, 7, 11, 23, 24, 26, 29, 24000, 26000, 26001, 29000, 33007, 26998]
    coarse = rng.choice(values, (8, 12)).astype(np.uint16)
    instance_ids = coarse.repeat(3, 0).repeat(5, 1)
    folder = tmp_path / 'val/ulm'
    folder.mkdir(parents=True)
    Image.fromarray(instance_ids).save(folder / 'ulm_0_1_gtFine_instanceIds.png')
    convert2panoptic(str(tmp_path), str(tmp_path), setNames=['val'])

    index = read_panoptic_json(tmp_path / 'cityscapes_panoptic_val.json')
    entry = index.annotations['ulm_0_1']
    theirs = read_panoptic_png(
        tmp_path / 'cityscapes_panoptic_val' / entry['file_name']
    )
    truth = codes_from_instance_ids(instance_ids)
    ids, segments = segments_from_codes(truth, LABEL_IDS, THING_CLASSES)
    np.testing.assert_array_equal(ids, theirs)
    assert sorted(segments, key=lambda entry: entry['id']) == entry['segments_info']
