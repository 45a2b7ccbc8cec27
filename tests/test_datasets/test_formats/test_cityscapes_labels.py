import pytest

from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    LABEL_IDS,
    LABELS,
    PALETTE,
    THING_CLASSES,
)


def test_table_agrees_with_the_published_scripts():
    published = pytest.importorskip('cityscapesscripts.helpers.labels').labels
    ours = {label.name: label for label in LABELS}
    assert set(ours) == {label.name for label in published}
    for label in published:
        mine = ours[label.name]
        assert mine.id == label.id
        # The scripts give the licence plate train id -1, which is no 8-bit id.
        assert mine.train_id == label.trainId % 256
        assert (mine.train_id == 255) == label.ignoreInEval
        assert mine.color == label.color
        if label.name != 'license plate':
            assert mine.has_instances == label.hasInstances


def test_what_follows_from_it_is_in_train_id_order():
    assert CLASSES[:3] == ('road', 'sidewalk', 'building')
    assert CLASSES[16:] == ('train', 'motorcycle', 'bicycle')
    assert len(CLASSES) == len(PALETTE) == len(LABEL_IDS) == 19
    assert (PALETTE[0], PALETTE[18]) == ((128, 64, 128), (119, 11, 32))
    assert (LABEL_IDS[0], LABEL_IDS[18]) == (7, 33)
    assert THING_CLASSES == (11, 12, 13, 14, 15, 16, 17, 18)
