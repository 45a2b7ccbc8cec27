"""Predictions as the files that the tools of Cityscapes judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segda_mm.datasets.formats.panoptic_files import (
    segments_from_codes,
    write_panoptic_json,
    write_panoptic_png,
)
from segda_mm.files import atomic_file
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR

_IMAGE_SUFFIX = '_leftImg8bit'


def image_id_of(img_path: str | Path) -> str:
    """Name of an image in result files: ``<city>_123456_123456`` for Cityscapes."""
    return Path(img_path).stem.removesuffix(_IMAGE_SUFFIX)


class OfficialResults:
    """Write one folder for each of the three evaluation tools of Cityscapes.

    ``panoptic/<image>.png`` and ``panoptic.json``
        for ``evalPanopticSemanticLabeling`` and all that read COCO-panoptic.
    ``instances/<image>.txt`` and ``instances/masks/<image>_<code>.png``
        for ``evalInstanceLevelSemanticLabeling``.
    ``semantic/<image>.png``
        label ids, for ``evalPixelLevelSemanticLabeling``.

    Every file is whole or absent.

    Args:
        folder: Made where missing.
        classes: Names of the C classes.
        label_ids: Label id of every class, 1 to 255.
        thing_classes: Train ids of the classes with instances.
    """

    def __init__(
        self,
        folder: str | Path,
        classes: Sequence[str],
        label_ids: Sequence[int],
        thing_classes: Sequence[int],
    ) -> None:
        self.folder = Path(folder)
        self.classes = classes
        self.label_ids = label_ids
        self.thing_classes = thing_classes
        self._file_ids = np.zeros(256, dtype=np.uint8)
        self._file_ids[: len(label_ids)] = label_ids

    def write_image(
        self,
        image_id: str,
        codes: np.ndarray,
        instance_codes: np.ndarray,
        instance_scores: np.ndarray,
        sem_seg: np.ndarray,
    ) -> dict[str, Any]:
        """Write the files of one image, and return its entry of ``panoptic.json``.

        Args:
            image_id: As :func:`image_id_of` gives it.
            codes: Panoptic codes, integers (H, W).
            instance_codes: Of the instances, integers (K,).
            instance_scores: Their confidences, floats (K,).
            sem_seg: Train ids, integers (H, W), 255 is void.
        """
        ids, segments = segments_from_codes(codes, self.label_ids, self.thing_classes)
        file_name = f'{image_id}.png'
        write_panoptic_png(self.folder / 'panoptic' / file_name, ids)
        _write_png(self.folder / 'semantic' / file_name, self._file_ids[sem_seg])
        lines = []
        instances = self.folder / 'instances'
        for code, score in zip(instance_codes.tolist(), instance_scores.tolist()):
            mask = f'masks/{image_id}_{code}.png'
            _write_png(instances / mask, codes == code)
            # All digits: rounded scores would make ties that were none.
            lines.append(f'{mask} {self.label_ids[code // LABEL_DIVISOR]} {score!r}\n')
        with atomic_file(instances / f'{image_id}.txt') as unfinished:
            unfinished.write_text(''.join(lines))
        return dict(image_id=image_id, file_name=file_name, segments_info=segments)

    def write_index(self, annotations: Sequence[Mapping]) -> None:
        """Write ``panoptic.json`` of the entries of :meth:`write_image`."""
        categories = [
            dict(id=int(label_id), name=name, isthing=int(index in self.thing_classes))
            for index, (name, label_id) in enumerate(zip(self.classes, self.label_ids))
        ]
        write_panoptic_json(self.folder / 'panoptic.json', categories, annotations)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    with atomic_file(path) as unfinished:
        Image.fromarray(pixels).save(unfinished, format='PNG', compress_level=1)
