"""Sums over images from which PQ, AP and mIoU follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segda_mm.ops.instance_ap import (
    OVERLAPS,
    InstanceMatches,
    average_precision,
    count_instances,
    match_segments,
)
from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.metrics import class_iou, confusion_matrix, defined_mean
from segda_mm.ops.panoptic_quality import (
    PanopticQuality,
    mean_panoptic_quality,
    panoptic_quality,
    panoptic_quality_counts,
)

#: One predicted instance of :class:`InstanceMatches`.
_RECORD = np.dtype(
    [
        ('labels', 'u1'),
        ('scores', 'f4'),
        ('true', '?', len(OVERLAPS)),
        ('false', '?', len(OVERLAPS)),
    ]
)


class PanopticTally:
    """What has been seen of a data set, in sums of fixed size.

    AP needs 25 bytes more for every predicted instance. Tallies add up.

    Args:
        num_classes: C.
        thing_classes: Train ids of the classes with instances.
    """

    def __init__(self, num_classes: int, thing_classes: Sequence[int]) -> None:
        self.num_classes = num_classes
        self.thing_classes = tuple(thing_classes)
        self.num_images = 0
        self._quality = np.zeros((num_classes, 4))
        self._confusion = np.zeros((num_classes, num_classes + 1), dtype=np.int64)
        self._instances = np.zeros(num_classes, dtype=np.int64)
        self._records = bytearray()

    def add_image(
        self,
        truth: np.ndarray,
        prediction: np.ndarray,
        instance_codes: np.ndarray,
        instance_scores: np.ndarray,
        sem_truth: np.ndarray,
        sem_prediction: np.ndarray,
    ) -> None:
        """Compare one image with its ground truth.

        Args:
            truth: Panoptic codes, integers (H, W).
            prediction: Predicted panoptic codes, integers (H, W).
            instance_codes: Of the predicted instances, integers (K,).
            instance_scores: Their confidences, floats (K,); kept as float32.
            sem_truth: Train ids, integers (H, W).
            sem_prediction: Predicted train ids, integers (H, W).

        Raises:
            ValueError: A map holds a class that is none of the C.
        """
        overlaps = label_overlaps(truth, prediction)
        semantic = label_overlaps(sem_truth, sem_prediction)
        settings = self.thing_classes, self.num_classes
        quality = panoptic_quality_counts(overlaps, *settings)
        # What may be refused comes before the first sum.
        self._confusion += confusion_matrix(semantic, self.num_classes)
        self._quality += quality
        self._instances += count_instances(overlaps, *settings)
        matches = match_segments(
            overlaps, instance_codes, instance_scores, self.thing_classes
        )
        records = np.empty(len(matches.labels), dtype=_RECORD)
        for name, values in matches._asdict().items():
            records[name] = values
        self._records += records.tobytes()
        self.num_images += 1

    def __iadd__(self, other: PanopticTally) -> PanopticTally:
        """Add the images of another tally of the same classes."""
        self.num_images += other.num_images
        self._quality += other._quality
        self._confusion += other._confusion
        self._instances += other._instances
        self._records += other._records
        return self

    def quality(self) -> PanopticQuality:
        """PQ, SQ and RQ per class, (C,) in [0, 1], NaN without segments."""
        return panoptic_quality(self._quality)

    def precision(self) -> np.ndarray:
        """AP per class and overlap, (C, 10) in [0, 1], NaN without instances."""
        records = np.frombuffer(bytes(self._records), dtype=_RECORD)
        matches = InstanceMatches(*(records[name] for name in InstanceMatches._fields))
        return average_precision(matches, self._instances)

    def iou(self) -> np.ndarray:
        """IoU per class, (C,) in [0, 1], NaN where neither true nor predicted."""
        return class_iou(self._confusion)

    def figures(self, classes: Sequence[str]) -> dict[str, float]:
        """All figures in percent, as Python floats, not rounded.

        Args:
            classes: C names.

        Returns:
            ``PQ``, ``SQ``, ``RQ``, ``PQ_things`` ... ``RQ_stuff``, ``AP``, ``AP50``,
            ``mIoU``, then ``PQ.<class>`` and ``IoU.<class>``, and ``AP.<class>`` of
            things. NaN where nothing was to be measured.
        """
        precision, iou, quality = self.precision(), self.iou(), self.quality()
        figures = {}
        means_of = mean_panoptic_quality(quality, self.thing_classes)
        for group, means in means_of.items():
            ending = '' if group == 'all' else f'_{group}'
            for name, value in means._asdict().items():
                figures[f'{name.upper()}{ending}'] = value
        figures['AP'] = defined_mean(precision)
        figures['AP50'] = defined_mean(precision[:, 0])
        figures['mIoU'] = defined_mean(iou)
        for index, name in enumerate(classes):
            figures[f'PQ.{name}'] = quality.pq[index]
            figures[f'IoU.{name}'] = iou[index]
            if index in self.thing_classes:
                figures[f'AP.{name}'] = precision[index].mean()
        return {name: 100 * float(value) for name, value in figures.items()}
