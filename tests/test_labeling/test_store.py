"""Label files and the manifest that makes a folder complete."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from segda_mm.datasets import DataError
from segda_mm.errors import OtherLabelsError
from segda_mm.labeling import LabelStore
from segda_mm.labeling.store import JOURNAL, LabelJournal

LABELS = np.array([[0, 18], [255, 7]], dtype=np.uint8)


def test_complete_only_with_manifest_and_all_labels(tmp_path):
    store = LabelStore(tmp_path / 'epoch_0')
    assert not store.is_complete()
    checksums = {
        'b.jpg': store.write('b.jpg', LABELS),
        'a.jpg': store.write('a.jpg', LABELS + 1),
    }
    assert not store.is_complete()
    store.finish(checksums, dict(cap=0.9))
    assert store.is_complete()
    assert store.manifest() == dict(
        cap=0.9,
        images=['a.jpg', 'b.jpg'],
        checksums=[
            hashlib.sha256((tmp_path / 'epoch_0' / name).read_bytes()).hexdigest()
            for name in ('a.png', 'b.png')
        ],
    )
    for damage in (Path.unlink, lambda path: path.write_bytes(b'else')):
        damage(store.path('a.jpg'))
        assert not store.is_complete()
        store.write('a.jpg', LABELS + 1)
        assert store.is_complete()
    store.begin()
    assert not store.is_complete() and store.manifest() is None


@pytest.mark.parametrize('content', ['{"images": [', '[]'])
def test_damaged_files_beside_the_labels_are_named(tmp_path, content):
    store = LabelStore(tmp_path)
    for name, read in (
        ('manifest.json', store.manifest),
        ('identity.json', store.claimed),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=f'{name}: is damaged'):
            read()


def test_images_may_not_share_a_label_nor_lie_elsewhere(tmp_path):
    store = LabelStore(tmp_path)
    checksum = store.write('a.jpg', LABELS)
    with pytest.raises(ValueError, match='share their label file'):
        store.finish({'a.jpg': checksum, 'a.png': checksum}, {})
    assert not store.is_complete()
    for path in ('/etc/a.jpg', 'b/../../a.jpg'):
        with pytest.raises(ValueError, match='outside'):
            store.write(path, LABELS)


IDENTITY = dict(
    checkpoint='sha256 12', views=(1.0, 2.0), model=dict(test_cfg=dict(top_k=200))
)


def test_a_folder_takes_the_labels_of_one_network(tmp_path):
    store = LabelStore(tmp_path)
    assert store.claimed() is None
    store.claim(IDENTITY, dict(checkpoint='old.pth'))
    store.write('a.jpg', LABELS)
    # Lists and tuples are one and the same in JSON.
    store.claim(dict(IDENTITY, views=[1.0, 2.0]), dict(checkpoint='moved.pth'))
    assert store.claimed()['origin'] == dict(checkpoint='old.pth')
    other = dict(
        IDENTITY,
        checkpoint='sha256 34',
        model=dict(test_cfg=dict(top_k=100), head='new'),
    )
    with pytest.raises(OtherLabelsError) as raised:
        store.claim(other, dict(checkpoint='new.pth', config='c.py'))
    message = str(raised.value)
    assert 'made by checkpoint old.pth, to which' in message
    assert 'those of checkpoint new.pth, config c.py' in message
    assert "- checkpoint was 'sha256 12' and is 'sha256 34' now" in message
    assert '- model.test_cfg.top_k was 200 and is 100 now' in message
    assert "- model.head was None and is 'new' now" in message
    assert 'views' not in message
    (tmp_path / 'identity.json').unlink()
    with pytest.raises(OtherLabelsError, match='holds a.png and no identity.json'):
        store.claim(IDENTITY, {})


def test_parts_become_one_sorted_file_without_cut_lines(tmp_path):
    first, second = LabelJournal(tmp_path, 0), LabelJournal(tmp_path, 1)
    second.add('b.png', '12', dict(pixels=[1, 2]))
    first.add('c.png', '34', dict(pixels=[3, 4]))
    first.merge()
    second.add('a.png', '56', dict(pixels=[5, 6]))
    with (tmp_path / 'statistics.part1.jsonl').open('a') as stream:
        stream.write('{"image": "d.png", "pix')
    # What is written to the end of a cut line is lost with it.
    second.add('e.png', '78', dict(pixels=[7, 8]))
    first.merge()
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]
    assert (tmp_path / JOURNAL).read_text().splitlines() == [
        '{"image": "a.png", "sha256": "56", "pixels": [5, 6]}',
        '{"image": "b.png", "sha256": "12", "pixels": [1, 2]}',
        '{"image": "c.png", "sha256": "34", "pixels": [3, 4]}',
    ]
    assert first.entries()['c.png'] == dict(sha256='34', pixels=[3, 4])
