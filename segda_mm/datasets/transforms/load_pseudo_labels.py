from __future__ import annotations

import os.path as osp

import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.errors import DataError
from segda_mm.registry import TRANSFORMS

from ..formats.cityscapes_labels import IGNORE_INDEX
from ..formats.label_checksums import label_checksums, require_unchanged
from ..formats.label_files import read_label_ids


@TRANSFORMS.register_module()
class LoadPseudoLabels(BaseTransform):
    """Load the pseudo label of an unlabelled image, or void without one.

    Stands after ``LoadImageFromFile`` and before anything that changes the
    size. Required keys: ``img``, ``relative_path``, ``pseudo_label_dir``.
    Adds ``gt_seg_map``, uint8 (H, W): train ids read from
    ``<pseudo_label_dir>/<relative_path with the suffix .png>``, or 255
    everywhere when ``pseudo_label_dir`` is None, and its name to
    ``seg_fields``.

    Raises:
        DataError: The file is missing, unreadable, of another size, or not the one
            that the folder's manifest has the checksum of.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_seg_map`` to ``results``."""
        shape = results['img'].shape[:2]
        folder = results['pseudo_label_dir']
        if folder is None:
            labels = np.full(shape, IGNORE_INDEX, dtype=np.uint8)
        else:
            labels = self._read(folder, results['relative_path'], shape)
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')
        return results

    @staticmethod
    def _read(folder: str, name: str, shape: tuple) -> np.ndarray:
        file = osp.join(folder, osp.splitext(name)[0] + '.png')
        remedy = (
            f'Remove {folder} so that the pseudo labels are made again, '
            'with the images that the config names now'
        )
        if not osp.isfile(file):
            raise DataError(
                f'pseudo label of {name!r} does not exist', file=file, remedy=remedy
            )
        require_unchanged(file, label_checksums(folder).get(name), remedy)
        labels = read_label_ids(file)
        if labels.shape != shape:
            raise DataError(
                f'pseudo label is {labels.shape[1]}x{labels.shape[0]} pixels, '
                f'but its image {name!r} is {shape[1]}x{shape[0]}',
                file=file,
                remedy='Place LoadPseudoLabels before every resize in the '
                f'pipeline. {remedy}',
            )
        return labels

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
