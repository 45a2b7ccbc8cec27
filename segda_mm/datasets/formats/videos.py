"""Reading the frames of a video, and of one that is damaged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
from mmengine.logging import print_log

from segda_mm.errors import DataError

#: Share of a video's frames that may be lost before it is refused.
MAX_LOST_FRAMES = 0.1

#: Frames one after the other that cannot be decoded before a video counts as ended.
_MAX_GAP = 100


def open_video(source: str | Path | int) -> cv2.VideoCapture:
    """Open a video, or a camera by its number; frames come upright.

    A phone held upright stores its video lying, and says so in the container.
    """
    video = source if isinstance(source, int) else str(source)
    capture = cv2.VideoCapture(video)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def announced_frames(capture: cv2.VideoCapture) -> int:
    """How many frames the container says that it has; 0 where it does not."""
    return max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)


def grab_all(capture: cv2.VideoCapture) -> Iterator[None]:
    """Grab one frame after the other, to be retrieved; pass over damaged ones."""
    announced, found, gap = announced_frames(capture), 0, 0
    while found + gap < announced or gap == 0:
        if capture.grab():
            found, gap = found + 1, 0
            yield
        elif gap == _MAX_GAP:
            return
        else:
            gap += 1


def require_most_frames(
    video: str | Path, found: int, announced: int, max_lost: float
) -> None:
    """Tell how many frames of a damaged video came out, and refuse it if too few.

    Args:
        video: The file.
        found: Frames that could be decoded.
        announced: Frames that its container speaks of, see :func:`announced_frames`.
        max_lost: Share of them that may be lost, in [0, 1]; one frame always may.

    Raises:
        DataError: None was found, or too many are lost.
    """
    if found == 0:
        raise DataError(
            'has no frame that OpenCV can decode',
            file=video,
            remedy='Convert it, as with `ffmpeg -i VIDEO -c:v mjpeg -q:v 2 OUT.avi`',
        )
    if found >= announced:
        return
    what = f'{found} of {announced} frames could be decoded'
    if announced - found > max(1, max_lost * announced):
        raise DataError(
            f'{what}, and {max_lost:.0%} may be lost: it is damaged or cut, or its '
            'container counts wrongly',
            file=video,
            remedy='Take a whole copy of it, or accept what there is with '
            'max_lost_frames=1 (--max-lost-frames 1)',
        )
    print_log(
        f'{video}: {what}; it is damaged or its end is missing',
        logger='current',
        level=logging.WARNING,
    )
