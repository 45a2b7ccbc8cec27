"""Label files and the manifest that makes a folder complete."""
import numpy as np
import pytest
from PIL import Image

from segda_mm.labeling import LabelStore

LABELS = np.array([[0, 18], [255, 7]], dtype=np.uint8)


def test_labels_lie_under_the_path_of_their_image(tmp_path):
    store = LabelStore(tmp_path)
    store.write('city/a.jpg', LABELS)
    with Image.open(tmp_path / 'city' / 'a.png') as image:
        assert image.mode == 'L'
        np.testing.assert_array_equal(np.asarray(image), LABELS)
    assert [p.name for p in (tmp_path / 'city').iterdir()] == ['a.png']


def test_complete_only_with_manifest_and_all_labels(tmp_path):
    store = LabelStore(tmp_path / 'epoch_0')
    assert not store.is_complete()
    store.write('b.jpg', LABELS)
    store.write('a.jpg', LABELS)
    assert not store.is_complete()
    store.finish(['b.jpg', 'a.jpg'], dict(cap=0.9))
    assert store.is_complete()
    assert store.manifest() == dict(cap=0.9, images=['a.jpg', 'b.jpg'])
    store.path('a.jpg').unlink()
    assert not store.is_complete()


def test_begin_makes_it_incomplete(tmp_path):
    store = LabelStore(tmp_path)
    store.begin()
    store.write('a.jpg', LABELS)
    store.finish(['a.jpg'], {})
    store.begin()
    assert not store.is_complete() and store.manifest() is None


def test_finish_needs_every_label(tmp_path):
    store = LabelStore(tmp_path)
    store.write('a.jpg', LABELS)
    with pytest.raises(FileNotFoundError, match=r'1 of 2 .* for b\.jpg'):
        store.finish(['a.jpg', 'b.jpg'], {})
    with pytest.raises(ValueError, match='share their label file'):
        store.finish(['a.jpg', 'a.png'], {})
    assert not store.is_complete()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    store = LabelStore(tmp_path)
    store.write('a.jpg', LABELS)

    def half(self, path, format):
        path.write_bytes(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(Image.Image, 'save', half)
    with pytest.raises(OSError, match='disk full'):
        store.write('a.jpg', LABELS + 1)
    monkeypatch.undo()
    with Image.open(store.path('a.jpg')) as image:
        np.testing.assert_array_equal(np.asarray(image), LABELS)
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']


@pytest.mark.parametrize('path', ['/etc/a.jpg', '../a.jpg', 'b/../../a.jpg'])
def test_paths_out_of_the_folder_are_refused(tmp_path, path):
    with pytest.raises(ValueError, match='outside'):
        LabelStore(tmp_path).write(path, LABELS)


@pytest.mark.parametrize('labels', [
    LABELS.astype(np.int64),
    np.stack([LABELS] * 3, axis=-1),
])
def test_only_label_maps_are_written(tmp_path, labels):
    with pytest.raises(ValueError, match=r'must be \(H, W\) of uint8'):
        LabelStore(tmp_path).write('a.jpg', labels)
