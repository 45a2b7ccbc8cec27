"""Frames of videos as files."""

import json

import cv2
import numpy as np
import pytest

from segda_mm.errors import DataError
from segda_mm.labeling import video_frames
from segda_mm.labeling.video_frames import extract_frames


def write_video(path, brightnesses, size=(64, 32)):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, size)
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
