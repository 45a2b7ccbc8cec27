"""Reading the panoptic labels of a sample, whatever files they are in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .cityscapes_instances import codes_from_instance_ids, read_instance_ids
from .label_files import check_same_size
from .panoptic_files import codes_from_segments, read_panoptic_png


def read_panoptic_codes(info: Mapping, image_shape: tuple[int, int]) -> np.ndarray:
    """Read the label file of a panoptic sample.

    Args:
        info: The data info. With ``segments_info`` the file at
            ``seg_map_path`` is a COCO-panoptic PNG (``class_of_category`` is
            then needed too), otherwise an instance-id file of Cityscapes.
        image_shape: (H, W) of the image file.

    Returns:
        Panoptic codes (:mod:`segda_mm.ops.panoptic_codes`), int32 (H, W).

    Raises:
        DataError: The file cannot be read, is of another kind, differs in
            size from the image, or has ids that are not known.
        ValueError: The sample is none of a panoptic data set.
    """
    if 'thing_classes' not in info:
        raise ValueError(
            f'the data set of {info["img_path"]} does not tell instances apart '
            '(no thing_classes); take CityscapesPanopticDataset, '
            'MapillaryPanopticDataset or another PanopticSegDataset'
        )
    file = info['seg_map_path']
    is_coco = 'segments_info' in info
    ids = read_panoptic_png(file) if is_coco else read_instance_ids(file)
    check_same_size(
        ids.shape,
        image_shape,
        file,
        info['img_path'],
        info.get('relative_path', info['img_path']),
    )
    if is_coco:
        return codes_from_segments(
            ids,
            info['segments_info'],
            info['class_of_category'],
            info['thing_classes'],
            file,
        )
    return codes_from_instance_ids(ids, file)
