"""Trees on disk: names, formats, snippets, resuming, refusals."""

import hashlib
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from segda_mm.minicity import render_frame, write_cityscapes, write_gta5
from segda_mm.minicity.labels import PALETTE, TRAIN_IDS

SIZE = (128, 64)


def hashes(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def cityscapes(tmp_path_factory):
    root = tmp_path_factory.mktemp('world') / 'cityscapes'
    counts = dict(train=4, val=2, train_extra=5, sequence_train=1)
    write_cityscapes(root, **counts, seed=7, size=SIZE)
    return root


def test_gta5_names_and_formats(tmp_path):
    write_gta5(tmp_path / 'gta5', 3, seed=1, size=SIZE)
    names = ['00001.png', '00002.png', '00003.png']
    for folder, mode in (('images', 'RGB'), ('labels', 'P')):
        files = sorted((tmp_path / 'gta5' / folder).iterdir())
        assert [path.name for path in files] == names
        with Image.open(files[1]) as picture:
            assert picture.mode == mode and picture.size == SIZE
    frame = render_frame('game', 1, 1, SIZE, stream='gta5')
    with Image.open(tmp_path / 'gta5/images/00002.png') as picture:
        np.testing.assert_array_equal(picture, frame.image)
    with Image.open(tmp_path / 'gta5/labels/00002.png') as label:
        np.testing.assert_array_equal(label, frame.label_ids)
        assert label.getpalette()[3 * 26 : 3 * 27] == [0, 0, 142]


def test_bytes_do_not_depend_on_workers(tmp_path):
    for name, workers in (('one', 1), ('two', 2)):
        write_gta5(tmp_path / name / 'gta5', 4, size=SIZE, workers=workers)
        write_cityscapes(tmp_path / name / 'cs', 2, 1, size=SIZE, workers=workers)
    one = hashes(tmp_path / 'one')
    assert len(one) == 4 * 2 + 3 * 5 + 2
    assert one == hashes(tmp_path / 'two')


def test_workers_start_beside_a_running_opencv_pool(tmp_path):
    # A picture of this size starts OpenCV's threads; a child forked while
    # they live would crash or hang.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        render_frame('real', 0, 0, (2048, 1024))
        write_gta5(tmp_path / 'gta5', 2, size=SIZE, workers=2)
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(threads)


def test_cityscapes_names(cityscapes):
    images = sorted(
        str(path.relative_to(cityscapes / 'leftImg8bit'))
        for path in (cityscapes / 'leftImg8bit').rglob('*.png')
    )
    assert images[0] == 'train/birkenfeld/birkenfeld_000000_000019_leftImg8bit.png'
    stems = [image.split('/')[-1].removesuffix('_leftImg8bit.png') for image in images]
    assert stems == [
        *('birkenfeld_000000_000019', 'birkenfeld_000001_000019'),
        *('hafenberg_000000_000019', 'neustadt_000000_000019'),
        *('brunnthal_000000_000000', 'brunnthal_000000_000001'),
        *(f'{city}_000000_000000' for city in ('lindenau', 'seebruck', 'waldheim')),
        *('mariental_000000_000019', 'osterfeld_000000_000019'),
    ]
    # The extra images come without fine labels.
    assert {path.name for path in (cityscapes / 'gtFine').iterdir()} == {'train', 'val'}


def test_cityscapes_truth(cityscapes):
    stem = cityscapes / 'gtFine/val/osterfeld/osterfeld_000000_000019_gtFine_'
    truth = {}
    modes = dict(labelIds='L', labelTrainIds='L', instanceIds='I;16', color='RGBA')
    for kind, mode in modes.items():
        with Image.open(f'{stem}{kind}.png') as picture:
            assert picture.mode == mode and picture.size == SIZE
            truth[kind] = np.asarray(picture)
    ids, instances = truth['labelIds'], truth['instanceIds']
    assert instances.dtype == np.uint16
    assert {1, 2, 3, 7, 11} <= set(np.unique(ids))
    np.testing.assert_array_equal(truth['labelTrainIds'], TRAIN_IDS[ids])
    np.testing.assert_array_equal(
        np.where(instances >= 1000, instances // 1000, instances), ids
    )
    for label in np.unique(ids):
        assert (truth['color'][ids == label] == (*PALETTE[label], 255)).all()


def test_snippet_has_its_annotated_frame_at_index_19(cityscapes):
    folder = cityscapes / 'leftImg8bit_sequence/train/birkenfeld'
    frames = sorted(folder.iterdir())
    assert [path.name for path in frames] == [
        f'birkenfeld_000000_{number:06d}_leftImg8bit.png' for number in range(30)
    ]
    fine = cityscapes / 'leftImg8bit/train/birkenfeld' / frames[19].name
    assert frames[19].read_bytes() == fine.read_bytes()
    labels = fine.name.replace('leftImg8bit', 'gtFine_labelIds')
    assert (cityscapes / 'gtFine/train/birkenfeld' / labels).exists()

    # Neighbours resemble each other more than far frames do.
    first, near, last = (
        np.asarray(Image.open(frames[index])).astype(int) for index in (0, 18, 19)
    )
    assert 0 < np.abs(near - last).mean() < np.abs(first - last).mean()


def test_a_cut_run_continues_with_the_same_files(cityscapes, tmp_path):
    root = tmp_path / 'cityscapes'
    settings = dict(train=2, val=1, seed=2, size=SIZE)
    write_cityscapes(root, **settings)
    before = hashes(root)
    kept = root / 'leftImg8bit/val/mariental'
    stamp = next(kept.iterdir()).stat().st_mtime_ns
    for path in (root / 'gtFine/train').rglob('*_instanceIds.png'):
        path.unlink()
    # What a killed process leaves behind does no harm.
    (root / 'gtFine/left.unfinished').write_bytes(b'half')
    write_cityscapes(root, **settings)
    (root / 'gtFine/left.unfinished').unlink()
    assert hashes(root) == before
    assert next(kept.iterdir()).stat().st_mtime_ns == stamp
    manifest = json.loads((root / 'minicity.json').read_text())
    assert manifest['complete'] is True
    assert manifest['settings'].items() >= dict(train=2, seed=2, size=[128, 64]).items()


def test_other_settings_and_foreign_folders_are_refused(tmp_path):
    write_gta5(tmp_path / 'gta5', 1, seed=0, size=SIZE)
    with pytest.raises(ValueError, match='seed is 0 there and 1 here'):
        write_gta5(tmp_path / 'gta5', 1, seed=1, size=SIZE)
    with pytest.raises(ValueError, match='look'):
        write_gta5(tmp_path / 'gta5', 1, seed=0, size=SIZE, varied=True)
    write_gta5(tmp_path / 'varied', 1, seed=0, size=SIZE, varied=True)
    with pytest.raises(ValueError, match='look'):
        write_gta5(tmp_path / 'varied', 1, seed=0, size=SIZE)
    (tmp_path / 'mine/leftImg8bit').mkdir(parents=True)
    with pytest.raises(ValueError, match='not empty'):
        write_cityscapes(tmp_path / 'mine', 1, 0, size=SIZE)
    assert [path.name for path in (tmp_path / 'mine').iterdir()] == ['leftImg8bit']
    with pytest.raises(ValueError, match='sequence_val is 2'):
        write_cityscapes(tmp_path / 'cs', 1, 1, sequence_val=2, size=SIZE)
    assert not (tmp_path / 'cs').exists()
