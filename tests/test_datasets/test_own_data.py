"""Footage, images with masks and drawn streets, wherever they lie."""

import cv2
import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import DrawnStreetsDataset, FootageDataset, MaskedImagesDataset
from segda_mm.errors import DataError, MissingDataError
from segda_mm.minicity import render_frame
from segda_mm.testing.own_streets import write_video

TABLE = dict(ids=[[0, 0], [1, 1]])
META = dict(classes=['a', 'b'], palette=[[1, 2, 3], [4, 5, 6]])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = __import__('pathlib').Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)


def infos(dataset, *keys):
    return [
        tuple(dataset.get_data_info(i)[key] for key in keys)
        for i in range(len(dataset))
    ]


def test_footage_of_several_places(folder):
    touch('a/1.png', 'a/b/2.JPG', 'shots/x.png', 'shots/y.png')
    write_video('drive.mp4', 12, rate=10)
    # Also beside images in a folder.
    write_video('a/b/short.mp4', 4, rate=10)
    dataset = FootageDataset(
        images=['a', 'shots/x*', 'drive.mp4', 'shots/y.png'], frames_per_second=5
    )
    names = [name for (name,) in infos(dataset, 'relative_path')]
    frames = [name for name in names if name.startswith('work_dirs/frames/drive-')]
    short = [name for name in names if name.startswith('work_dirs/frames/short-')]
    assert len(short) == 2
    assert sorted(set(names) - set(frames) - set(short)) == [
        'a/1.png', 'a/b/2.JPG', 'shots/x.png', 'shots/y.png',
    ]  # fmt: skip
    assert [name[-10:] for name in frames] == [f'{n:06}.jpg' for n in range(0, 12, 2)]
    # The sixth frame of the video, and not another one.
    assert abs(int(cv2.imread(frames[3])[..., 0].mean()) - 6 * 20) < 12

    def is_written_again(*args):
        raise AssertionError

    write, cv2.imencode = cv2.imencode, is_written_again
    try:
        again = FootageDataset(images='drive.mp4', frames_per_second=5)
    finally:
        cv2.imencode = write
    assert len(again) == 6


def test_footage_that_is_not_there_is_named(folder):
    (folder / 'broken.mp4').write_bytes(b'no video')
    for images, error, words in (
        ('broken.mp4', DataError, 'broken.mp4: has no frame.*ffmpeg'),
        ('gone.mp4', MissingDataError, 'gone.mp4: video does not exist'),
        (['gone'], MissingDataError, 'gone: folder does not exist'),
        ([], MissingDataError, 'the list given as images= is empty'),
    ):
        with pytest.raises(error, match=words):
            FootageDataset(images=images)


@pytest.mark.parametrize(
    ('images', 'labels'),
    [
        (['i/a.jpg', 'i/b.jpg'], ['m/a.png', 'm/b.png']),
        (['i/x/a.jpg', 'i/y/a.jpg'], ['m/x/a_mask.png', 'm/y/a_mask.png']),
        (
            ['i/1_19_leftImg8bit.png', 'i/2_19_leftImg8bit.png'],
            ['m/1_19_gtFine_labelIds.png', 'm/2_19_gtFine_labelIds.png'],
        ),
        (['i/a_image.png'], ['m/a_label.png']),
    ],
)
def test_masks_are_found_by_name(folder, images, labels):
    touch(*images, *labels)
    dataset = MaskedImagesDataset(
        images='i', labels='m', label_table=TABLE, metainfo=META
    )
    assert infos(dataset, 'img_path', 'seg_map_path') == [*zip(images, labels)]
    assert infos(dataset, 'label_table')[0] == (TABLE,)


def test_an_image_without_a_mask_is_named(folder):
    touch('i/a.png', 'i/b.png', 'm/a.png')
    with pytest.raises(DataError, match='i/b.png: has no mask: m holds none'):
        MaskedImagesDataset(images='i', labels='m', label_table=TABLE)


def test_drawn_streets_are_drawn_once(folder):
    args = dict(num_images=2, size=(128, 64))
    dataset = DrawnStreetsDataset(**args)
    (first, _), (second, _) = infos(dataset, 'img_path', 'seg_map_path')
    assert first == 'data/drawn/128x64-2-seed0/images/00001.png'
    frame = render_frame('varied', 0, 0, (128, 64), stream='gta5')
    np.testing.assert_array_equal(np.asarray(Image.open(first)), frame.image)
    times = [(folder / file).stat().st_mtime_ns for file in (first, second)]
    assert len(DrawnStreetsDataset(**args)) == 2
    assert times == [(folder / f).stat().st_mtime_ns for f in (first, second)]
