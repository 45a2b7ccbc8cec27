"""Which frames of a video belong together, and which of them are annotated."""

from __future__ import annotations

import os.path as osp
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from segda_mm.errors import DataError

#: Frames of a snippet of Cityscapes before and after the annotated one, which
#: is the 20th of 30.
FRAMES_BEFORE, FRAMES_AFTER = 19, 10

_CITYSCAPES_NAME = re.compile(
    r'(?:.*/)?(?P<recording>[^/]+_\d+)_(?P<frame>\d+)(?:_leftImg8bit)?'
)


class Snippet(NamedTuple):
    """The snippet of one frame.

    ``label_files`` are those of its annotated frames (maybe none);
    ``is_annotated`` says whether the frame itself is one of them.
    """

    name: str
    label_files: tuple[str, ...]
    is_annotated: bool


class CityscapesSnippets:
    """Snippets by the file names of Cityscapes, CITY_SEQUENCE_FRAME.

    A frame belongs to the annotated frame of its recording that it precedes by
    at most 19 frames or follows by at most 10. Folders do not matter.

    Args:
        label_files: ``{name of an annotated frame without suffix: label file}``.

    Raises:
        DataError: A name is of another form.
    """

    def __init__(self, label_files: Mapping[str, str]) -> None:
        self._files: dict[str, dict[int, str]] = {}
        for name, file in label_files.items():
            recording, frame = _recording_and_frame(name, file)
            self._files.setdefault(recording, {})[frame] = file
        self._frames = {key: sorted(files) for key, files in self._files.items()}

    def find(self, relative_path: str, annotated_path: str | None = None) -> Snippet:
        """Find the snippet of a frame; ``annotated_path`` is that of the annotated one.

        Raises:
            DataError: A name is not CITY_SEQUENCE_FRAME_leftImg8bit.png.
        """
        recording, frame = _recording_and_frame(
            osp.splitext(relative_path)[0], relative_path
        )
        if annotated_path is not None:
            recording, annotated = _recording_and_frame(
                osp.splitext(annotated_path)[0], annotated_path
            )
            if annotated not in self._files.get(recording, ()):
                return Snippet(f'of {recording}_{annotated:06d}', (), False)
        else:
            frames = self._frames.get(recording, [])
            start = bisect_left(frames, frame - FRAMES_AFTER)
            candidates = frames[start : bisect_right(frames, frame + FRAMES_BEFORE)]
            if not candidates:
                after = f' after {frames[start - 1]:06d}' if start else ''
                return Snippet(f'of {recording}{after}', (), False)
            annotated = min(candidates, key=lambda number: abs(number - frame))
        return Snippet(
            f'of {recording}_{annotated:06d}',
            (self._files[recording][annotated],),
            annotated == frame,
        )


class PatternSnippets:
    """Snippets by a regular expression.

    An image and its label file have one file name, suffixes and folders aside.

    Args:
        pattern: Searched for in the path of a frame; its group ``snippet`` names
            the snippet. A frame that it does not match belongs to none.
        label_files: ``{name of an annotated frame without suffix: label file}``.

    Raises:
        DataError: The pattern matches none of the annotated frames.
        ValueError: It is no regular expression with a group ``snippet``.
    """

    def __init__(self, pattern: str, label_files: Mapping[str, str]) -> None:
        try:
            self._pattern = re.compile(pattern)
        except (re.error, OverflowError) as error:
            raise ValueError(
                f'snippets=dict(pattern={pattern!r}) is no regular expression: {error}'
            ) from error
        if 'snippet' not in self._pattern.groupindex:
            raise ValueError(
                f'snippets=dict(pattern={pattern!r}) has no group named snippet; '
                r"write for example '(?P<snippet>[^/_]+)_\d+'"
            )
        self._files: dict[str, dict[str, str]] = {}
        for name, file in sorted(label_files.items()):
            match = self._pattern.search(name)
            # The group may stand in an alternative that was not taken.
            if match is not None and match['snippet'] is not None:
                self._files.setdefault(match['snippet'], {})[osp.basename(name)] = file
        if not self._files:
            raise DataError(
                f'is not matched by snippets=dict(pattern={pattern!r}), nor is any '
                f'other of the {len(label_files)} annotated frames',
                file=min(label_files),
                remedy='Correct the pattern; it is searched for in the path of the '
                'frame below its folder, without the suffix',
            )

    def find(
        self, relative_path: str, annotated_path: str | None = None
    ) -> Snippet | None:
        """Find the snippet of a frame, by ``relative_path`` alone; None if in none."""
        name = osp.splitext(relative_path)[0]
        match = self._pattern.search(name)
        if match is None or match['snippet'] is None:
            return None
        files = self._files.get(match['snippet'], {})
        return Snippet(
            match['snippet'], tuple(files.values()), osp.basename(name) in files
        )


def _recording_and_frame(name: str, file: str) -> tuple[str, int]:
    match = _CITYSCAPES_NAME.fullmatch(name)
    if match is None:
        raise DataError(
            'is not named CITY_SEQUENCE_FRAME as the files of Cityscapes are, such '
            'as aachen_000000_000019_leftImg8bit.png',
            file=file,
            remedy='For other names say which frames belong together, with '
            "snippets=dict(pattern=r'(?P<snippet>...)')",
        )
    return match['recording'], int(match['frame'])
