"""Which frames of a video belong together, and which of them are annotated."""

from __future__ import annotations

import os.path as osp
import re
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
    """The snippet of a frame, which may be annotated itself, and its label files."""

    name: str
    label_files: tuple[str, ...]
    is_annotated: bool


class CityscapesSnippets:
    """Snippets by the file names of Cityscapes, CITY_SEQUENCE_FRAME.

    A frame belongs to the annotated frame of its recording that it precedes by
    at most 19 frames or follows by at most 10. Folders do not matter.

    Args:
        label_files: ``{name of an annotated frame without suffix: label file}``.
    """

    def __init__(self, label_files: Mapping[str, str]) -> None:
        self._files: dict[str, dict[int, str]] = {}
        for name, file in label_files.items():
            recording, frame = _recording_and_frame(name, file)
            self._files.setdefault(recording, {})[frame] = file

    def find(self, relative_path: str, annotated_path: str | None = None) -> Snippet:
        """Find the snippet of a frame, by ``annotated_path`` where it is known."""
        name = osp.splitext(relative_path)[0]
        recording, frame = _recording_and_frame(name, relative_path)
        files = self._files.get(recording, {})
        near = [n for n in files if -FRAMES_BEFORE <= frame - n <= FRAMES_AFTER]
        annotated = min(near, key=lambda n: (abs(n - frame), n), default=None)
        if annotated_path is not None:
            name = osp.splitext(annotated_path)[0]
            recording, annotated = _recording_and_frame(name, annotated_path)
            files = self._files.get(recording, {})
        if annotated is None:
            return Snippet(f'of {recording}', (), False)
        name = f'of {recording}_{annotated:06d}'
        if annotated not in files:
            return Snippet(name, (), False)
        return Snippet(name, (files[annotated],), annotated == frame)


class PatternSnippets:
    """Snippets by a regular expression.

    An image and its label file have one file name, suffixes and folders aside.

    Args:
        pattern: Searched for in the path of a frame; its group ``snippet`` names
            the snippet. A frame that it does not match belongs to none.
        label_files: ``{name of an annotated frame without suffix: label file}``.
    """

    def __init__(self, pattern: str, label_files: Mapping[str, str]) -> None:
        setting = f'snippets=dict(pattern={pattern!r})'
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f'{setting} is no regular expression: {error}') from error
        if 'snippet' not in self._pattern.groupindex:
            raise ValueError(
                f'{setting} has no group named snippet; '
                r"write for example '(?P<snippet>[^/_]+)_\d+'"
            )
        self._files: dict[str, dict[str, str]] = {}
        for name, file in sorted(label_files.items()):
            snippet = self._name(name)
            if snippet is not None:
                self._files.setdefault(snippet, {})[osp.basename(name)] = file
        if not self._files:
            raise DataError(
                f'is not matched by {setting}, nor is any '
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
        snippet = self._name(name)
        if snippet is None:
            return None
        files = self._files.get(snippet, {})
        return Snippet(snippet, tuple(files.values()), osp.basename(name) in files)

    def _name(self, name: str) -> str | None:
        match = self._pattern.search(name)
        # The group may stand in an alternative that was not taken.
        return match and match['snippet']


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
