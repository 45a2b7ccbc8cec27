"""A folder of label images that is either complete or known not to be."""
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from segda_mm.atomic_file import atomic_file

MANIFEST = 'manifest.json'


class LabelStore:
    """Write label PNGs and a manifest so that a kill leaves no half file.

    Labels are keyed by the path of their image relative to the images' root.
    The manifest is written last and names every image: a folder without it,
    or without one of the labels, is not complete.

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
                'the root of its data set')
        return self.directory / relative.with_suffix('.png')

    def write(self, relative_path: str, labels: np.ndarray) -> None:
        """Write the labels of one image.

        Args:
            relative_path: Path of the image relative to the images' root.
            labels: Shape (H, W), uint8, train ids, 255 for void.

        Raises:
            ValueError: The labels are not two-dimensional uint8.
        """
        if labels.ndim != 2 or labels.dtype != np.uint8:
            raise ValueError(
                f'labels of {relative_path} must be (H, W) of uint8, but are '
                f'{labels.shape} of {labels.dtype}')
        with atomic_file(self.path(relative_path)) as unfinished:
            Image.fromarray(labels).save(unfinished, format='PNG')

    def begin(self) -> None:
        """Declare the folder incomplete before its labels are made anew."""
        (self.directory / MANIFEST).unlink(missing_ok=True)

    def finish(self, relative_paths: Iterable[str],
               content: dict[str, Any]) -> None:
        """Write the manifest, which makes the folder complete.

        Args:
            relative_paths: All images that were labelled.
            content: What else to tell, in types that JSON knows.

        Raises:
            FileNotFoundError: An image has no label file.
            ValueError: Two images share a label file.
        """
        images = sorted(relative_paths)
        if len({self.path(image) for image in images}) < len(images):
            raise ValueError(
                f'some images share their label file in {self.directory}: '
                'their paths differ in the suffix only; rename one of them')
        missing = self._missing(images)
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(images)} labels are not in '
                f'{self.directory}, the first for {missing[0]}')
        text = json.dumps({**content, 'images': images}, indent=1)
        with atomic_file(self.directory / MANIFEST) as unfinished:
            unfinished.write_text(text)

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, with the labelled ``images``; None if there is none."""
        path = self.directory / MANIFEST
        return json.loads(path.read_text()) if path.is_file() else None

    def is_complete(self) -> bool:
        """Whether there is a manifest, and a label for every image in it."""
        manifest = self.manifest()
        return manifest is not None and not self._missing(manifest['images'])

    def _missing(self, images: list[str]) -> list[str]:
        # One walk instead of one query a file: stores hold up to 100,000.
        present = set(self.directory.rglob('*.png'))
        return [image for image in images if self.path(image) not in present]
