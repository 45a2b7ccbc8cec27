"""How predictions become label files that the data sets read back."""

from __future__ import annotations

import numpy as np
from mmengine.model import BaseTTAModel
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


class SemanticFormat:
    """8-bit PNGs of train ids, 255 for void.

    Args:
        num_classes: Number of classes C.

    Raises:
        ValueError: There are more classes than the file has values for.
    """

    name = 'semantic'
    #: The value of a void pixel in the file.
    void = VOID_CLASS
    has_instances = False

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
        """What the file holds, (H, W) uint8."""
        return prediction.astype(np.uint8)

    def classes_of_values(self, values: np.ndarray) -> np.ndarray:
        """Train ids, (H, W) uint8, 255 where void, from what the file holds."""
        return values


class PanopticFormat:
    """16-bit PNGs of Cityscapes' instance ids, 0 for void.

    Args:
        num_classes: Number of classes C.
        thing_classes: Those with instances.

    Raises:
        ValueError: The classes are not the 19 of Cityscapes, for whose label
            ids alone the files have a meaning.
    """

    name = 'panoptic'
    void = 0
    has_instances = True

    def __init__(self, num_classes: int, thing_classes: tuple[int, ...]) -> None:
        if num_classes != len(CLASSES) or set(thing_classes) != set(THING_CLASSES):
            raise ValueError(
                f'the model has {num_classes} classes with instances of '
                f'{sorted(thing_classes)}, but panoptic labels are stored as '
                f'instance ids of Cityscapes, with {len(CLASSES)} classes and '
                f'instances of {list(THING_CLASSES)}; train the model on these '
                '(map_to_cityscapes=True of MapillaryPanopticDataset)'
            )
        self.num_classes = num_classes

    def prediction(self, sample: SegDataSample) -> Tensor:
        """The predicted panoptic codes, (H, W), on the device of the network."""
        return sample.pred_panoptic_seg.data[0]

    def classes_of_prediction(self, prediction: Tensor) -> Tensor:
        """Train ids, (H, W) int64, 255 where void."""
        return prediction.long() // LABEL_DIVISOR

    def values(self, prediction: np.ndarray) -> np.ndarray:
        """What the file holds, (H, W) uint16."""
        return instance_ids_from_codes(prediction)

    def classes_of_values(self, values: np.ndarray) -> np.ndarray:
        """Train ids, (H, W) uint8, 255 where void, from what the file holds."""
        return (codes_from_instance_ids(values) // LABEL_DIVISOR).astype(np.uint8)


_FIRST_IDS = np.array([LABEL_IDS[c] for c in THING_CLASSES]) * LABEL_DIVISOR


def count_instances(values: np.ndarray, num_classes: int) -> list[int]:
    """Number of instances of each class in instance ids (H, W) uint16."""
    present = np.bincount(values.ravel(), minlength=2**16) > 0
    counts = [0] * num_classes
    for train_id, first in zip(THING_CLASSES, _FIRST_IDS):
        counts[train_id] = int(present[first : first + LABEL_DIVISOR].sum())
    return counts


def label_format(model: nn.Module) -> SemanticFormat | PanopticFormat:
    """The format of a model's labels; the model may be wrapped for views.

    Raises:
        ValueError: The format has no room for the model's classes.
    """
    network = model.module if isinstance(model, BaseTTAModel) else model
    head = network.decode_head
    if isinstance(network, PanopticDeepLab):
        return PanopticFormat(head.num_classes, tuple(head.thing_classes))
    if isinstance(head, nn.ModuleList):
        head = head[-1]
    # One class against the rest has two values.
    return SemanticFormat(max(head.num_classes, 2))
