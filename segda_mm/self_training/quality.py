"""Pseudo labels against the truth."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from mmengine.dataset import BaseDataset

from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.metrics import class_iou, confusion_matrix, defined_mean
from segda_mm.ops.panoptic_quality import (
    mean_panoptic_quality,
    panoptic_quality,
    panoptic_quality_counts,
)

from .configs import index_by_name


def label_quality(
    pseudo: BaseDataset, truth: BaseDataset, left_out: Collection[str] = ()
) -> dict[str, float | int | None]:
    """Judge the pseudo labels of a set where the truth is known.

    Args:
        pseudo: Built data set whose pipeline gives ``gt_seg_map`` and, where
            instances are told apart, ``gt_panoptic_seg``, in the size of the files.
        truth: The same with the true labels, matched by ``relative_path``.
        left_out: Names of images not to judge: the teacher was trained on them.

    Returns:
        ``images`` that were judged, ``mIoU`` and, where there are instances,
        ``PQ``, both in percent, or None without any class. A true pixel that
        is void in the pseudo label is missed by the mIoU.
    """
    known, where = index_by_name(truth), index_by_name(pseudo)
    names = [name for name in where if name in known and name not in set(left_out)]
    num_classes = len(pseudo.metainfo['classes'])
    things = pseudo.metainfo.get('thing_classes')
    confusion = np.zeros((num_classes, num_classes + 1), dtype=np.int64)
    segments = np.zeros((num_classes, 4))
    for name in names:
        made, true = pseudo[where[name]], truth[known[name]]
        confusion += confusion_matrix(
            label_overlaps(true['gt_seg_map'], made['gt_seg_map']), num_classes
        )
        if things is not None:
            segments += panoptic_quality_counts(
                label_overlaps(true['gt_panoptic_seg'], made['gt_panoptic_seg']),
                things,
                num_classes,
            )
    figures: dict[str, float | int | None] = dict(images=len(names))
    if things is not None:
        quality = mean_panoptic_quality(panoptic_quality(segments), things)
        figures['PQ'] = _percent(quality['all'].pq)
    figures['mIoU'] = _percent(defined_mean(class_iou(confusion)))
    return figures


def _percent(share: float) -> float | None:
    return None if math.isnan(share) else 100 * float(share)
