"""How predictions become label files that the data sets read back; their figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """8-bit PNGs of train ids, 255 for void.

    Raises:
        ValueError: There are more classes than the file has values for.
    """

    name = 'semantic'
    #: The value of a void pixel in the file.
    void = VOID_CLASS
    dtype = np.uint8

    def __init__(self, num_classes: int) -> None:
        if num_classes > VOID_CLASS:
            raise ValueError(
                f'the model has {num_classes} classes, but label files of 8 bits '
                f'have room for {VOID_CLASS}'
            )
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
    """16-bit PNGs of Cityscapes' instance ids, 0 for void.

    Args:
        num_classes: Number of classes C.
        thing_classes: Those with instances.

    Raises:
        ValueError: The classes are not the 19 of Cityscapes, which the ids stand for.
    """

    name = 'panoptic'
    void = 0
    dtype = np.uint16

    def __init__(self, num_classes: int, thing_classes: tuple[int, ...]) -> None:
        if num_classes != len(CLASSES) or set(thing_classes) != set(THING_CLASSES):
            raise ValueError(
                f'the model has {num_classes} classes with instances of '
                f'{sorted(thing_classes)}, but panoptic labels are stored as '
                f'instance ids of Cityscapes, with {len(CLASSES)} classes and '
                f'instances of {list(THING_CLASSES)}; train the model on these '
                '(map_to_cityscapes=True of MapillaryPanopticDataset)'
            )
        super().__init__(num_classes)

    def prediction(self, sample: SegDataSample) -> Tensor:
        """The predicted panoptic codes, (H, W), on the device of the network."""
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
        ValueError: The format has no room for the model's classes.
    """
    network = getattr(model, 'module', model)
    head = network.decode_head
    if isinstance(network, PanopticDeepLab):
        return PanopticFormat(head.num_classes, tuple(head.thing_classes))
    if isinstance(head, nn.ModuleList):
        head = head[-1]
    # One class against the rest has two values.
    return SemanticFormat(max(head.num_classes, 2))


def image_statistics(
    form: SemanticFormat, predicted: np.ndarray, values: np.ndarray, may_void: bool
) -> dict[str, Any]:
    """Count what an image's label file holds.

    Args:
        form: The format of the file.
        predicted: Train ids as predicted, (H, W), 255 where void.
        values: What the file holds, (H, W).
        may_void: Whether a pseudo labeler may have made more pixels void.

    Returns:
        ``area`` in pixels, ``pixels`` predicted as each class, ``kept`` of them with
        ``may_void``, and ``instances`` of each class of a panoptic label.
    """
    statistics = dict(area=values.size, pixels=_count(predicted, form.num_classes))
    if may_void:
        kept = form.classes_of_values(values)
        statistics['kept'] = _count(kept, form.num_classes)
    instances = form.instances(values)
    if instances is not None:
        statistics['instances'] = instances
    return statistics


def summarize(
    entries: Iterable[dict[str, Any]],
    class_names: Sequence[str],
    thresholds: Sequence[float] | None,
) -> dict[str, Any]:
    """Add up the results of :func:`image_statistics`.

    Args:
        entries: One for each image.
        class_names: Of the C classes.
        thresholds: Of the C classes, where they hold for all images.

    Returns:
        ``num_images``, ``area``, ``void_share`` of all pixels, and ``classes``: of
        each ``name``, ``pixels`` predicted as it, ``images`` with one of them, and
        where known ``threshold``, ``kept_share`` (None without a pixel), ``instances``.
    """
    num_images = area = 0
    sums: dict[str, Any] = {}
    for entry in entries:
        num_images += 1
        area += entry['area']
        counts = {key: np.array(entry[key]) for key in entry.keys() & _COUNTS}
        counts['images'] = counts['pixels'] > 0
        for key, count in counts.items():
            sums[key] = sums.get(key, 0) + count.astype(np.int64)
    classes = []
    for index, name in enumerate(class_names):
        total = {key: int(count[index]) for key, count in sums.items()}
        pixels = total.get('pixels', 0)
        figures = dict(name=name, pixels=pixels, images=total.get('images', 0))
        if thresholds is not None:
            figures['threshold'] = thresholds[index]
        if 'kept' in total:
            figures['kept_share'] = total['kept'] / pixels if pixels else None
        if 'instances' in total:
            figures['instances'] = total['instances']
        classes.append(figures)
    labelled = int(np.sum(sums.get('kept', sums.get('pixels', 0))))
    void_share = 1 - labelled / area if area else None
    return dict(
        num_images=num_images, area=area, void_share=void_share, classes=classes
    )


_COUNTS = {'pixels', 'kept', 'instances'}


def _count(classes: np.ndarray, num_classes: int) -> list[int]:
    return np.bincount(classes.ravel(), minlength=num_classes)[:num_classes].tolist()
