"""From class labels, center heatmaps and offsets to panoptic maps.

Cheng et al., "Panoptic-DeepLab", CVPR 2020, section 3.2 "Instance representation"
and "Panoptic segmentation".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from segda_mm.ops.panoptic_codes import (
    LABEL_DIVISOR,
    VOID_CLASS,
    VOID_CODE,
    check_thing_classes,
)
from segda_mm.ops.panoptic_grouping import Centers, find_centers, group_pixels


@dataclass(frozen=True)
class PanopticPrediction:
    """The panoptic map of one image and its K instances, strongest center first.

    ``codes`` (H, W) int32; ``instance_codes`` (K,) int32; ``instance_labels`` (K,)
    train ids, int64; ``center_values`` (K,) of the heatmap, float32.
    """

    codes: Tensor
    instance_codes: Tensor
    instance_labels: Tensor
    center_values: Tensor


def panoptic_post_processing(
    sem_seg: Tensor,
    center_heatmap: Tensor,
    offset: Tensor,
    thing_classes: Sequence[int],
    center_threshold: float = 0.1,
    nms_kernel_size: int = 7,
    top_k: int = 200,
    stuff_area: int = 4096,
) -> list[PanopticPrediction]:
    """Merge class labels and class-agnostic instances into panoptic maps.

    Pixels labelled as a thing go to the nearest center; an instance takes the
    class of most of its pixels, of equally many the lowest. Things without any
    center are void, and so is stuff of less than ``stuff_area`` pixels.

    Args:
        sem_seg: Train ids, shape (N, H, W), int64; 255 stays void.
        center_heatmap: Shape (N, 1, H, W), floating point.
        offset: (y, x) from a pixel to the center of its instance, in pixels,
            shape (N, 2, H, W), floating point.
        thing_classes: Train ids of the classes that have instances.
        center_threshold, nms_kernel_size, top_k: See :func:`find_centers`.
        stuff_area: In pixels.

    Returns:
        One for each of the N images, on the device of the inputs.

    Raises:
        ValueError: Shapes do not agree, a class is out of range, or what
            :func:`find_centers` and :func:`group_pixels` refuse.
    """
    _check_shapes(sem_seg, center_heatmap, offset)
    check_thing_classes(thing_classes)
    is_thing_class = torch.zeros(
        VOID_CLASS + 1, dtype=torch.bool, device=sem_seg.device
    )
    is_thing_class[list(thing_classes)] = True
    centers = find_centers(center_heatmap, center_threshold, nms_kernel_size, top_k)
    return [
        _merge(*image, is_thing_class, stuff_area)
        for image in zip(sem_seg, centers, offset.detach())
    ]


def instance_scores(seg_logits: Tensor, prediction: PanopticPrediction) -> Tensor:
    """Score the K instances: mean probability of their class times the center's value.

    Args:
        seg_logits: Shape (C, H, W), logits or log-probabilities.
        prediction: Of the same image.
    """
    num_instances = len(prediction.instance_codes)
    device = prediction.codes.device
    # One entry more than there are instances takes in all other pixels.
    index_of_code = torch.full(
        ((VOID_CLASS + 1) * LABEL_DIVISOR,), num_instances, device=device
    )
    index_of_code[prediction.instance_codes.long()] = torch.arange(
        num_instances, device=device
    )
    instances = index_of_code.index_select(0, prediction.codes.flatten())
    pixels = (instances < num_instances).nonzero()[:, 0]
    instances = instances[pixels]

    logits = seg_logits.detach().flatten(1).index_select(1, pixels).float()
    labels = prediction.instance_labels[instances]
    probabilities = (logits.gather(0, labels[None])[0] - logits.logsumexp(0)).exp()
    # Sums of whole numbers do not depend on the order of the summands, which
    # is not fixed on a GPU. 2 ** 22 pixels have room.
    levels = (probabilities.double() * 2**40).long()
    sums = levels.new_zeros(num_instances).index_add_(0, instances, levels)
    areas = torch.bincount(instances, minlength=num_instances)
    means = sums.double() / 2**40 / areas
    return means.float() * prediction.center_values


def _check_shapes(sem_seg: Tensor, center_heatmap: Tensor, offset: Tensor) -> None:
    number, *size = sem_seg.shape
    for name, maps, channels in (
        ('center heatmap', center_heatmap, 1),
        ('offset', offset, 2),
    ):
        if tuple(maps.shape) != (number, channels, *size):
            raise ValueError(
                f'the {name} has the shape {tuple(maps.shape)}, but labels of '
                f'{tuple(sem_seg.shape)} need {(number, channels, *size)}'
            )


def _merge(
    sem_seg: Tensor,
    centers: Centers,
    offset: Tensor,
    is_thing_class: Tensor,
    stuff_area: int,
) -> PanopticPrediction:
    labels = sem_seg.flatten()
    lowest, highest = labels.aminmax()
    if lowest < 0 or highest > VOID_CLASS:
        raise ValueError(
            f'the labels lie in [{lowest}, {highest}], but must lie in '
            f'[0, {VOID_CLASS}]'
        )
    num_labels = VOID_CLASS + 1
    areas = torch.bincount(labels, minlength=num_labels)
    is_void = is_thing_class | (areas < stuff_area)
    codes_of_stuff = torch.arange(num_labels, device=labels.device) * LABEL_DIVISOR
    codes_of_stuff = codes_of_stuff.masked_fill(is_void, VOID_CODE).int()
    codes = codes_of_stuff.index_select(0, labels)

    pixels = is_thing_class.index_select(0, labels).nonzero()[:, 0]
    num_centers = len(centers.points)
    if not num_centers:
        pixels = pixels[:0]
    centers_of_pixels = group_pixels(centers.points, offset, pixels)
    votes = torch.bincount(
        centers_of_pixels * num_labels + labels.index_select(0, pixels),
        minlength=num_centers * num_labels,
    ).view(num_centers, num_labels)
    used = votes.any(1).nonzero()[:, 0]
    instance_labels = votes[used].argmax(1)
    numbers = (instance_labels[:, None] == instance_labels).tril().sum(1)
    instance_codes = (instance_labels * LABEL_DIVISOR + numbers).int()

    codes_of_centers = instance_codes.new_zeros(num_centers)
    codes_of_centers[used] = instance_codes
    codes.scatter_(0, pixels, codes_of_centers.index_select(0, centers_of_pixels))
    return PanopticPrediction(
        codes.view(sem_seg.shape), instance_codes, instance_labels, centers.values[used]
    )
