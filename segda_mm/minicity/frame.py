"""One picture of the miniature world with its truth."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """A rendered picture.

    Attributes:
        image (np.ndarray): (H, W, 3) uint8 RGB.
        label_ids (np.ndarray): (H, W) uint8 Cityscapes label ids.
        instance_ids (np.ndarray): (H, W) uint16; ``label_id * 1000 + number``
            for things with instances, the label id elsewhere.
    """

    image: np.ndarray
    label_ids: np.ndarray
    instance_ids: np.ndarray
