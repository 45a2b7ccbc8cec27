"""Fake batches as the data loaders give them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.ops.panoptic_targets import panoptic_targets


def segmentation_batch(
    num_images: int = 2,
    size: tuple[int, int] = (64, 64),
    num_classes: int = 4,
    seed: int = 0,
    labeled: bool = True,
) -> dict:
    """A batch of random images, not yet normalised or stacked.

    ``inputs`` are N uint8 tensors (3, H, W), ``size`` is (H, W), and labels
    (``gt_sem_seg``, if ``labeled``) are drawn from [0, num_classes).
    """
    generator = torch.Generator().manual_seed(seed)
    inputs = [
        torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8)
        for _ in range(num_images)
    ]
    data_samples = [_sample(size) for _ in range(num_images)]
    for sample in data_samples:
        if labeled:
            # Blocks rather than noise, so that labels have an inside.
            coarse = torch.randint(
                0, num_classes, (1, size[0] // 8, size[1] // 8), generator=generator
            )
            labels = coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)
            sample.gt_sem_seg = PixelData(data=labels)
    return dict(inputs=inputs, data_samples=data_samples)


def domain_batch(seed: int = 0, **kwargs) -> dict:
    """A batch of a labelled source and an unlabelled target.

    ``kwargs`` are further arguments of :func:`segmentation_batch`.
    """
    return dict(
        source=segmentation_batch(seed=seed, **kwargs),
        target=segmentation_batch(seed=seed + 1, labeled=False, **kwargs),
    )


def panoptic_batch(
    num_images: int = 2,
    size: tuple[int, int] = (65, 97),
    num_classes: int = 4,
    thing_classes: Sequence[int] | None = None,
    seed: int = 0,
) -> dict:
    """A batch of random images with panoptic labels and training targets.

    Each label map is a grid of rectangles; each rectangle of a thing class (None:
    from num_classes // 2 on) is an instance of its own. The first rows are void.

    Returns:
        ``inputs``: N uint8 tensors (3, H, W); ``data_samples``: N samples with
        ``gt_sem_seg``, ``gt_panoptic_seg`` and the targets of
        :func:`segda_mm.ops.panoptic_targets.panoptic_targets`.
    """
    if thing_classes is None:
        thing_classes = range(num_classes // 2, num_classes)
    draw = np.random.default_rng(seed)
    inputs, data_samples = [], []
    for _ in range(num_images):
        image = draw.integers(256, size=(3, *size), dtype=np.uint8)
        inputs.append(torch.from_numpy(image))
        codes = _rectangle_codes(draw, size, num_classes, thing_classes)
        labels = codes // LABEL_DIVISOR
        maps = dict(
            gt_sem_seg=labels.astype(np.int64),
            gt_panoptic_seg=codes,
            **panoptic_targets(codes, thing_classes),
        )
        sample = _sample(size)
        sample.set_data(
            {
                name: PixelData(data=torch.from_numpy(array).reshape(-1, *size))
                for name, array in maps.items()
            }
        )
        data_samples.append(sample)
    return dict(inputs=inputs, data_samples=data_samples)


def _sample(size: tuple[int, int]) -> SegDataSample:
    return SegDataSample(metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size))


def _rectangle_codes(
    draw: np.random.Generator,
    size: tuple[int, int],
    num_classes: int,
    thing_classes: Sequence[int],
) -> np.ndarray:
    rows, columns = 4, 6
    classes = draw.integers(num_classes, size=rows * columns)
    instances = np.arange(1, rows * columns + 1)
    is_thing = np.isin(classes, list(thing_classes))
    codes = classes * LABEL_DIVISOR + np.where(is_thing, instances, 0)
    height, width = size
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    codes = codes.reshape(rows, columns)[row[:, None], column]
    codes[: max(height // 16, 1)] = VOID_CODE
    return codes.astype(np.int32)
