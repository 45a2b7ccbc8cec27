"""Every kind of source gives pictures as they are stored, and says what is wrong."""

import cv2
import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets.formats import videos
from segda_mm.errors import DataError, MissingDataError
from segda_mm.inference.sources import open_source


def write_video(path, brightnesses, rate=12.5, size=(64, 32)):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), rate, size)
    for brightness in brightnesses:
        image = np.full((size[1], size[0], 3), brightness, np.uint8)
        # Blue on top, in OpenCV's order.
        image[:8] = 250, 0, 0
        writer.write(image)
    writer.release()
    return path


@pytest.fixture
def images(tmp_path):
    """Two images, of which one carries a tag that it is to be shown turned."""
    folder = tmp_path / 'drive'
    (folder / 'sub').mkdir(parents=True)
    colors = np.random.default_rng(0).integers(256, size=(2, 8, 16, 3), dtype=np.uint8)
    Image.fromarray(colors[0]).save(folder / 'a.png')
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(colors[1]).save(folder / 'sub/b.PNG', exif=exif)
    (tmp_path / 'list.txt').write_text('drive/a.png\ndrive/sub/b.PNG\n')
    return folder, colors


@pytest.mark.parametrize(
    'kind', ['folder', 'glob', 'list file', 'list', 'one', 'arrays']
)
def test_pictures(images, kind):
    folder, colors = images
    source, names = {
        'folder': (folder, ['a', 'sub/b']),
        'glob': (f'{folder.parent}/*/**/[ab].*', ['drive/a', 'drive/sub/b']),
        'list file': (folder.parent / 'list.txt', ['drive/a', 'drive/sub/b']),
        'list': ([folder / 'a.png', str(folder / 'sub/b.PNG')], ['a', 'sub/b']),
        'one': (folder / 'sub/b.PNG', ['b']),
        'arrays': (iter(colors), ['000000', '000001']),
    }[kind]
    pictures = list(open_source(source).pictures())
    assert [picture.name for picture in pictures] == names
    assert [picture.index for picture in pictures] == list(range(len(names)))
    for picture, expected in zip(pictures, colors[-len(names) :], strict=True):
        np.testing.assert_array_equal(picture.image, expected)
        assert picture.time is None


def test_a_video(tmp_path):
    source = open_source(write_video(tmp_path / 'drive.mp4', (40, 120, 200)))
    assert (source.rate, source.total) == (12.5, 3)
    pictures = list(source.pictures())
    assert [picture.name for picture in pictures] == [
        f'drive/00000{i}' for i in range(3)
    ]
    assert [picture.time for picture in pictures] == [0, 0.08, 0.16]
    means = [picture.image[16:].mean() for picture in pictures]
    np.testing.assert_allclose(means, (40, 120, 200), atol=4)
    blue = pictures[0].image[:6].mean(axis=(0, 1))
    np.testing.assert_allclose(blue, (0, 0, 250), atol=12)


def test_a_video_that_was_taken_upright_is_turned(tmp_path, turned):
    lying = write_video(tmp_path / 'drive.mp4', (40,))
    (picture,) = open_source(turned(lying)).pictures()
    assert picture.image.shape == (64, 32, 3)
    # What lies on top is on the right.
    assert picture.image[:, -6:, 2].mean() > 200
    assert picture.image[:, :16, 2].mean() < 100


def test_a_video_that_was_cut_is_told(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(videos, 'print_log', lambda text, **_: told.append(text))
    video = write_video(tmp_path / 'drive.mkv', range(100))
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 2 // 3])
    count = len(list(open_source(video, max_lost=0.9).pictures()))
    assert 0 < count < 90
    assert f'{count} of 100 frames' in told[0]
    with pytest.raises(DataError, match=f'mkv: {count} of 100 .* 10% may be lost'):
        list(open_source(video).pictures())


@pytest.mark.parametrize(
    ('source', 'error', 'message'),
    [
        ('gone.mp4', MissingDataError, 'no video .*gone.mp4'),
        ('gone.png', MissingDataError, 'no image, video or folder .*gone.png'),
        ('empty', MissingDataError, 'empty: folder holds no file'),
        ('gone/*.png', MissingDataError, 'no image matches'),
        ('gone/*.mp4', MissingDataError, 'no video matches'),
        ('text.mp4', DataError, r'text.mp4: has no frame .* Convert it'),
        ('cut.mp4', DataError, r'cut.mp4: has no frame .* Convert it'),
        ('void.mkv', DataError, r'void.mkv: has no frame .* Convert it'),
        ('text.jpg', DataError, 'text.jpg is missing or is no image'),
        ('97', MissingDataError, 'no file 97 and no camera 97'),
        (97, MissingDataError, 'no camera 97'),
        (('a.png', 'cut.mp4'), DataError, 'is a video among 2 sources'),
        (3.5, DataError, '3.5 is no source'),
        (
            np.zeros((4, 4, 4), np.uint8),
            DataError,
            r'shape \(4, 4, 4\) .* uint8 in RGB',
        ),
        ([np.zeros((4, 4, 3))], DataError, 'type float64, but must be'),
    ],
)
def test_what_is_wrong_is_said(tmp_path, source, error, message):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'text.mp4').write_text('no video')
    (tmp_path / 'text.jpg').write_text('no image')
    (tmp_path / 'void.mkv').touch()
    whole = write_video(tmp_path / 'whole.mp4', range(9)).read_bytes()
    # The index of an mp4 stands at its end.
    (tmp_path / 'cut.mp4').write_bytes(whole[: len(whole) // 2])
    if isinstance(source, str) and not source.isdecimal():
        source = tmp_path / source
    elif isinstance(source, tuple):
        source = [tmp_path / name for name in source]
    with pytest.raises(error, match=message):
        list(open_source(source).pictures())
