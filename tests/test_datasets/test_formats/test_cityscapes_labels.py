import pytest

from segda_mm.datasets.formats.cityscapes_labels import LABELS


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
