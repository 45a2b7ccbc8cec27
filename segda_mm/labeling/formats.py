"""How predictions become label files that the data sets read back; their figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from segda_mm.datasets.formats.cityscapes_instances import (
    codes_from_instance_ids,
    instance_ids_from_codes,
)
from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    LABEL_IDS,
    THING_CLASSES,
)
from segda_mm.models import PanopticDeepLab
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CLASS

_FIRST_IDS = np.array([LABEL_IDS[c] for c in THING_CLASSES]) * LABEL_DIVISOR


class SemanticFormat:
    """8-bit PNGs of train ids, 255 for void."""

    name = 'semantic'
    #: The value of a void pixel in the file.
    void = VOID_CLASS
    dtype = np.uint8

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def prediction(self, sample: SegDataSample) -> Tensor:
        """The predicted map, (H, W), on the device of the network."""
        return sample.pred_sem_seg.data[0]

    def classes_of_prediction(self, prediction: Tensor) -> Tensor:
        """Train ids, (H, W) int64, 255 where void."""
        return prediction.long()

    def values(self, prediction: np.ndarray) -> np.ndarray:
        """What the file holds, (H, W) of ``dtype``."""
        return prediction.astype(np.uint8)

    def classes_of_values(self, values: np.ndarray) -> np.ndarray:
        """Train ids, (H, W) uint8, 255 where void, from what the file holds."""
        return values

    def instances(self, values: np.ndarray) -> list[int] | None:
        """Number of instances of each class; None where they are not told apart."""
        return None


class PanopticFormat(SemanticFormat):
    """16-bit PNGs of Cityscapes' instance ids, 0 for void; for its 19 classes."""

    name = 'panoptic'
    void = 0
    dtype = np.uint16

    def prediction(self, sample: SegDataSample) -> Tensor:
        return sample.pred_panoptic_seg.data[0]

    def classes_of_prediction(self, prediction: Tensor) -> Tensor:
        return prediction.long() // LABEL_DIVISOR

    def values(self, prediction: np.ndarray) -> np.ndarray:
        return instance_ids_from_codes(prediction)

    def classes_of_values(self, values: np.ndarray) -> np.ndarray:
        return (codes_from_instance_ids(values) // LABEL_DIVISOR).astype(np.uint8)

    def instances(self, values: np.ndarray) -> list[int]:
        present = np.bincount(values.ravel(), minlength=2**16) > 0
        counts = [0] * self.num_classes
        for train_id, first in zip(THING_CLASSES, _FIRST_IDS):
            counts[train_id] = int(present[first : first + LABEL_DIVISOR].sum())
        return counts


def label_format(model: nn.Module) -> SemanticFormat:
    """The format of the labels of a model, maybe one wrapped as ``module``.

    Raises:
        ValueError: It is panoptic, and its classes are not those of Cityscapes.
    """
    network = getattr(model, 'module', model)
    head = network.decode_head
    if isinstance(network, PanopticDeepLab):
        things = sorted(head.thing_classes)
        if head.num_classes != len(CLASSES) or things != sorted(THING_CLASSES):
            raise ValueError(
                f'the model has {head.num_classes} classes with instances of {things}, '
                'but panoptic labels are stored as instance ids of Cityscapes, with '
                f'{len(CLASSES)} classes and instances of {list(THING_CLASSES)}; train '
                'it on these (map_to_cityscapes=True of MapillaryPanopticDataset)'
            )
        return PanopticFormat(head.num_classes)
    if isinstance(head, nn.ModuleList):
        head = head[-1]
    # One class against the rest has two values.
    return SemanticFormat(max(head.num_classes, 2))


def image_statistics(
    form: SemanticFormat, predicted: np.ndarray, values: np.ndarray, may_void: bool
) -> dict[str, Any]:
    """Count what an image's label file holds.

    Args:
        predicted: Train ids as predicted, (H, W), 255 where void.
        values: What the file holds, (H, W).
        may_void: Whether a pseudo labeler may have made more pixels void.
    """

    def count(classes: np.ndarray) -> list[int]:
        bins = np.bincount(classes.ravel(), minlength=form.num_classes)
        return bins[: form.num_classes].tolist()

    statistics = dict(area=values.size, pixels=count(predicted))
    if may_void:
        statistics['kept'] = count(form.classes_of_values(values))
    instances = form.instances(values)
    if instances is not None:
        statistics['instances'] = instances
    return statistics


def summarize(
    entries: Sequence[dict[str, Any]],
    class_names: Sequence[str],
    thresholds: Sequence[float] | None,
) -> dict[str, Any]:
    """Add up the results of :func:`image_statistics`, of at least one image.

    Class names and thresholds are of the C classes; the latter if of all images.

    Returns:
        ``num_images``, ``area`` in pixels, ``void_share`` of it, ``confidence``, the
        mean of all pixels (None if an image's is not known), and ``classes``: of each
        ``name``, ``pixels`` predicted as it, ``images`` with one of them, and where
        known ``threshold``, ``kept_share`` (None without a pixel), ``instances``.
    """
    counts = {
        key: np.array([entry[key] for entry in entries])
        for key in ('pixels', 'kept', 'instances')
        if key in entries[0]
    }
    sums = {key: count.sum(axis=0).tolist() for key, count in counts.items()}
    images = (counts['pixels'] > 0).sum(axis=0).tolist()
    classes = []
    for index, name in enumerate(class_names):
        pixels = sums['pixels'][index]
        figures = dict(name=name, pixels=pixels, images=images[index])
        if thresholds is not None:
            figures['threshold'] = thresholds[index]
        if 'kept' in sums:
            figures['kept_share'] = sums['kept'][index] / pixels if pixels else None
        if 'instances' in sums:
            figures['instances'] = sums['instances'][index]
        classes.append(figures)
    area = sum(entry['area'] for entry in entries)
    void_share = 1 - sum(sums.get('kept', sums['pixels'])) / area
    confidence = None
    if all('confidence' in entry for entry in entries):
        confidence = sum(e['area'] * e['confidence'] for e in entries) / area
    return dict(
        num_images=len(entries),
        area=area,
        void_share=void_share,
        confidence=confidence,
        classes=classes,
    )
