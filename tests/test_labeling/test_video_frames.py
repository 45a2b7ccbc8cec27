"""Frames of videos as files."""

import json

import cv2
import numpy as np
import pytest

from segda_mm.datasets.formats import videos
from segda_mm.errors import DataError
from segda_mm.labeling import video_frames
from segda_mm.labeling.video_frames import extract_frames


def write_video(path, brightnesses, size=(64, 32), codec='MJPG'):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, size)
    assert video.isOpened()
    for brightness in brightnesses:
        video.write(np.full((size[1], size[0], 3), brightness, np.uint8))
    video.release()
    return path


def test_frames_in_order_and_what_is_there_is_left_as_it_is(tmp_path, monkeypatch):
    video = write_video(tmp_path / 'drive.avi', range(0, 250, 50))
    names = extract_frames([video], tmp_path / 'frames', 2)
    assert names == [f'drive/00000{number}.png' for number in range(5)]
    frames = [cv2.imread(str(tmp_path / 'frames' / name)) for name in names]
    # JPEG is not exact.
    means = [frame.mean() for frame in frames]
    np.testing.assert_allclose(means, range(0, 250, 50), atol=4)
    whole = {name: (tmp_path / 'frames' / name).read_bytes() for name in names}
    record = tmp_path / 'frames' / 'drive.json'
    finished = record.read_text()

    written = []
    write = video_frames._write_frame
    monkeypatch.setattr(
        video_frames, '_write_frame', lambda *a: written.append(a[0].name) or write(*a)
    )
    assert extract_frames([video], tmp_path / 'frames', 2) == names
    assert written == []

    # As a kill leaves it.
    record.write_text(json.dumps(dict(json.loads(finished), frames=None)))
    for name in names[2:]:
        (tmp_path / 'frames' / name).unlink()
    assert extract_frames([video], tmp_path / 'frames', 2) == names
    assert sorted(written) == ['000002.png', '000003.png', '000004.png']
    assert record.read_text() == finished
    assert {n: (tmp_path / 'frames' / n).read_bytes() for n in names} == whole


def test_other_videos_are_refused(tmp_path):
    video = write_video(tmp_path / 'drive.avi', (10, 90))
    extract_frames([video], tmp_path / 'frames', 1)
    write_video(video, (10, 90, 150, 200))
    with pytest.raises(DataError, match='holds frames of .*must not be added'):
        extract_frames([video], tmp_path / 'frames', 1)
    (tmp_path / 'b').mkdir()
    twin = write_video(tmp_path / 'b' / 'drive.avi', (10,))
    with pytest.raises(DataError, match='share the folder'):
        extract_frames([video, twin], tmp_path / 'frames2', 1)
    with pytest.raises(DataError, match='gone.mp4: video does not exist'):
        extract_frames([tmp_path / 'gone.mp4'], tmp_path / 'frames', 1)
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(DataError, match=r'text.mp4: has no frame'):
        extract_frames([tmp_path / 'text.mp4'], tmp_path / 'frames', 1)


def test_videos_whose_names_differ_after_a_dot_are_two(tmp_path):
    names = ['drive.front.avi', 'drive.rear.avi', 'b.avi', 'b.mkv', 'b.2.avi']
    videos = [
        write_video(tmp_path / name, (40 * number,) * (number + 1))
        for number, name in enumerate(names)
    ]
    folder = tmp_path / 'frames'
    for _ in range(2):
        frames = extract_frames(videos, folder, 1)
        assert len(frames) == len(set(frames)) == 15
    folders = ['drive.front', 'drive.rear', 'b.avi', 'b.mkv', 'b.2']
    for number, name in enumerate(folders):
        (*_, last) = sorted((folder / name).iterdir())
        assert last.name == f'00000{number}.png'
        assert cv2.imread(str(last)).mean() == pytest.approx(40 * number, abs=4)


def test_frames_of_a_video_taken_upright_are_upright(tmp_path, turned):
    video = turned(write_video(tmp_path / 'a.mp4', (9,) * 3, codec='mp4v'))
    extract_frames([video], tmp_path / 'frames', 1)
    assert cv2.imread(str(tmp_path / 'frames/turned/000002.png')).shape == (64, 32, 3)


def damaged(tmp_path, suffix):
    """A video of 50 frames: cut, or with a hole in its middle."""
    codec = 'MJPG' if suffix == '.avi' else 'mp4v'
    noise = np.random.default_rng(0).integers(99, size=50)
    video = write_video(tmp_path / f'drive{suffix}', noise, codec=codec)
    content = bytearray(video.read_bytes())
    third = len(content) // 3
    if suffix == '.mkv':
        del content[third:]
    else:
        content[third : 2 * third] = bytes(third)
    video.write_bytes(content)
    return video


@pytest.mark.parametrize('suffix', ['.mkv', '.avi', '.mp4'])
def test_a_damaged_video_tells_its_loss(tmp_path, monkeypatch, suffix):
    told = []
    monkeypatch.setattr(videos, 'print_log', lambda text, **_: told.append(text))
    video, folder = damaged(tmp_path, suffix), tmp_path / 'frames'
    with pytest.raises(DataError, match=r'of 50 frames .* 10% .*--max-lost-frames'):
        extract_frames([video], folder, 1)
    assert told == []
    for _ in range(2):
        frames = extract_frames([video], folder, 1, max_lost=1)
        assert 0 < len(frames) < 45
        assert f'{len(frames)} of 50 frames' in told.pop()
    # What is there already is no better.
    with pytest.raises(DataError, match=f'{len(frames)} of 50 frames'):
        extract_frames([video], folder, 1)


class Capture:
    """A capture of which some frames cannot be decoded."""

    def __init__(self, frames, announced):
        self.frames, self.announced = iter(frames), announced

    def get(self, _):
        return self.announced

    def grab(self):
        return next(self.frames, False)


@pytest.mark.parametrize(
    ('frames', 'announced', 'found'),
    [
        ([1] * 5, 5, 5),
        ([1] * 5, -1.0, 5),
        ([1] * 5, 3, 5),
        ([1] * 5, 5000, 5),
        ([1, 0, 0, 1, 1], 5, 3),
        ([0, 1, 1], 3, 2),
        ([1] + [0] * 99 + [1], 101, 2),
        ([0, 1, 1], 0, 0),
    ],
)
def test_damaged_frames_are_passed_over(frames, announced, found):
    capture = Capture(frames, announced)
    assert len(list(videos.grab_all(capture))) == found


@pytest.mark.parametrize(
    ('found', 'announced', 'max_lost', 'refused'),
    [(90, 100, 0.1, False), (89, 100, 0.1, True), (1, 2, 0.1, False), (2, 4, 1, False)],
)
def test_how_much_may_be_lost(found, announced, max_lost, refused):
    if not refused:
        return videos.require_most_frames('a.avi', found, announced, max_lost)
    with pytest.raises(DataError, match=f'{found} of {announced}'):
        videos.require_most_frames('a.avi', found, announced, max_lost)
