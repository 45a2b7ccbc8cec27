"""A folder of label images that is either complete or known not to be."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from segda_mm.datasets.formats.label_checksums import (
    IDENTITY,
    MANIFEST,
    checksum,
    read_json,
    read_manifest,
)
from segda_mm.errors import OtherLabelsError
from segda_mm.files import atomic_file


class LabelStore:
    """Write label PNGs and a manifest so that a kill leaves no half file.

    Labels are keyed by the path of their image relative to the images' root.
    The manifest is written last and names every image and the checksum of its
    label: a folder without it, or without one of the labels, is not complete.
    A folder that was claimed for one network and its settings takes the
    labels of no other one.

    Args:
        directory: The folder; made when the first file is written.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def path(self, relative_path: str) -> Path:
        """The label file of an image.

        Args:
            relative_path: Path of the image relative to the images' root.

        Returns:
            The same path under the store's folder, with the suffix ``.png``.

        Raises:
            ValueError: The path is absolute or leads out of the folder.
        """
        relative = PurePosixPath(relative_path)
        if relative.is_absolute() or '..' in relative.parts:
            raise ValueError(
                f'label path {relative_path!r} would lie outside of '
                f'{self.directory}; give the path of the image relative to '
                'the root of its data set'
            )
        return self.directory / relative.with_suffix('.png')

    def write(self, relative_path: str, labels: np.ndarray) -> str:
        """Write the labels of one image.

        Args:
            relative_path: Path of the image relative to the images' root.
            labels: Shape (H, W), uint8 (train ids, 255 for void) or uint16
                (instance ids of Cityscapes, 0 for void); a PNG of as many
                bits is written.

        Returns:
            The checksum of the file.

        Raises:
            FileNotWrittenError: The disk is full, or the like.
            ValueError: The labels are not two-dimensional uint8 or uint16.
        """
        if labels.ndim != 2 or labels.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f'labels of {relative_path} must be (H, W) of uint8 or uint16, '
                f'but are {labels.shape} of {labels.dtype}'
            )
        # Unlike Pillow, OpenCV lets other threads run while it compresses.
        _, png = cv2.imencode('.png', labels)
        with atomic_file(self.path(relative_path)) as unfinished:
            unfinished.write_bytes(png)
        return checksum(png)

    def claim(self, identity: Mapping[str, Any], origin: Mapping[str, str]) -> None:
        """Take the folder for the labels of one network with its settings.

        Args:
            identity: What all labels of the folder must have in common, in
                types that JSON knows.
            origin: Where the network comes from (files), for messages and
                the manifest: it may differ between calls.

        Raises:
            DataError: The file that says so is damaged.
            OtherLabelsError: The folder was claimed for another identity; the
                message names both origins, and what differs with both values.
        """
        identity = json.loads(json.dumps(identity))
        found = self.claimed()
        if found is None:
            self._require_unclaimed_is_empty()
            text = json.dumps(dict(identity=identity, origin=origin), indent=1)
            with atomic_file(self.directory / IDENTITY) as unfinished:
                unfinished.write_text(text)
            return
        differences = list(_differences(found['identity'], identity))
        if differences:
            raise OtherLabelsError(
                f'{self.directory} holds labels made by '
                f'{_listed(found["origin"])}, to which those of '
                f'{_listed(origin)} must not be added:\n- '
                + '\n- '.join(differences)
                + '\nLabel into another folder, or remove this one'
            )

    def claimed(self) -> dict[str, Any] | None:
        """``identity`` and ``origin`` of the labels; None if not claimed."""
        return read_json(
            self.directory / IDENTITY,
            'Which network made the labels is not known any more: label into '
            'another folder, or remove this one',
        )

    def _require_unclaimed_is_empty(self) -> None:
        found = next(self.directory.rglob('*.png'), None)
        if found is not None:
            raise OtherLabelsError(
                f'{self.directory} holds {found.relative_to(self.directory)} '
                f'and no {IDENTITY}, so that it is unknown which network made '
                'it; label into another folder, or remove this one'
            )

    def begin(self) -> None:
        """Declare the folder incomplete before its labels are made anew."""
        (self.directory / MANIFEST).unlink(missing_ok=True)

    def finish(self, checksums: Mapping[str, str], content: dict[str, Any]) -> None:
        """Write the manifest, which makes the folder complete.

        Args:
            checksums: Of all images that were labelled, by their paths: what
                :meth:`write` returned.
            content: What else to tell, in types that JSON knows.

        Raises:
            FileNotFoundError: An image has no label file.
            ValueError: Two images share a label file.
        """
        images = sorted(checksums)
        if len({self.path(image) for image in images}) < len(images):
            raise ValueError(
                f'some images share their label file in {self.directory}: '
                'their paths differ in the suffix only; rename one of them'
            )
        missing = self.missing(images)
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(images)} labels are not in '
                f'{self.directory}, the first for {missing[0]}'
            )
        text = json.dumps(
            {
                **content,
                'images': images,
                'checksums': [checksums[image] for image in images],
            },
            indent=1,
        )
        with atomic_file(self.directory / MANIFEST) as unfinished:
            unfinished.write_text(text)

    def manifest(self) -> dict[str, Any] | None:
        """The manifest; None if there is none.

        It has ``images`` and, in the same order, ``checksums`` of their labels.

        Raises:
            DataError: It is damaged.
        """
        return read_manifest(self.directory)

    def is_complete(self) -> bool:
        """Whether there is a manifest, and every label that it names, unchanged."""
        manifest = self.manifest()
        # One without checksums is of an earlier version of this package.
        if manifest is None or 'checksums' not in manifest:
            return False
        if self.missing(manifest['images']):
            return False
        return not self.changed(dict(zip(manifest['images'], manifest['checksums'])))

    def missing(self, images: Iterable[str]) -> list[str]:
        """Those of the images that have no label file, in their order."""
        # One walk instead of one query a file: stores hold up to 100,000.
        present = set(self.directory.rglob('*.png'))
        return [image for image in images if self.path(image) not in present]

    def changed(self, checksums: Mapping[str, str]) -> list[str]:
        """Those of the images whose label file is not the one written.

        Args:
            checksums: What :meth:`write` returned, by the paths of images
                that all have a label file.
        """
        return [
            image
            for image, written in checksums.items()
            if checksum(self.path(image).read_bytes()) != written
        ]

    def set_aside(self, images: Iterable[str]) -> None:
        """Rename the label files of images to ``<name>.png.changed``."""
        for image in images:
            path = self.path(image)
            os.replace(path, f'{path}.changed')


def _differences(old: Any, new: Any, key: str = '') -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(
                old.get(name), new.get(name), f'{key}.{name}'.lstrip('.')
            )
    elif old != new:
        yield f'{key} was {_shortened(old)} and is {_shortened(new)} now'


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f'{text[:200]}...'


def _listed(origin: Mapping[str, str]) -> str:
    return ', '.join(f'{key} {value}' for key, value in origin.items())
