"""Fake batches as the data loaders give them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

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
    """Random images (3, H, W), uint8, and labels in [0, num_classes) if ``labeled``."""
    draw = partial(torch.randint, 0, generator=torch.Generator().manual_seed(seed))
    inputs = [draw(256, (3, *size), dtype=torch.uint8) for _ in range(num_images)]
    data_samples = [_sample(size) for _ in range(num_images)]
    for sample in data_samples:
        if labeled:
            # Blocks rather than noise, so that labels have an inside.
            coarse = draw(num_classes, (1, size[0] // 8, size[1] // 8))
            labels = coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)
            sample.gt_sem_seg = PixelData(data=labels)
    return dict(inputs=inputs, data_samples=data_samples)


def domain_batch(seed: int = 0, **kwargs) -> dict:
    """A labelled source and an unlabelled target, see :func:`segmentation_batch`."""
    return dict(
        source=segmentation_batch(seed=seed, **kwargs),
        target=segmentation_batch(seed=seed + 1, labeled=False, **kwargs),
    )


def panoptic_batch(
    num_images: int = 2,
    size: tuple[int, int] = (65, 97),
    num_classes: int = 4,
    seed: int = 0,
) -> dict:
    """A batch of random images with panoptic labels and training targets.

    Each label map is a grid of rectangles; each rectangle of a thing class, those from
    num_classes // 2 on, is an instance of its own. The first rows are void.
    """
    thing_classes = range(num_classes // 2, num_classes)
    draw = np.random.default_rng(seed)
    inputs, data_samples = [], []
    for _ in range(num_images):
        image = draw.integers(256, size=(3, *size), dtype=np.uint8)
        inputs.append(torch.from_numpy(image))
        codes = _rectangle_codes(draw, size, num_classes, thing_classes)
        maps = panoptic_targets(codes, thing_classes)
        maps['gt_sem_seg'] = (codes // LABEL_DIVISOR).astype(np.int64)
        maps['gt_panoptic_seg'] = codes
        sample = _sample(size)
        for name, array in maps.items():
            values = torch.from_numpy(array).reshape(-1, *size)
            sample.set_data({name: PixelData(data=values)})
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
    row = np.arange(size[0]) * rows // size[0]
    column = np.arange(size[1]) * columns // size[1]
    codes = codes.reshape(rows, columns)[row[:, None], column]
    codes[: max(size[0] // 16, 1)] = VOID_CODE
    return codes.astype(np.int32)
