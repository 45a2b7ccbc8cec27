"""The losses of a decode head, from logits that are already at the labels' size."""

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.utils import SampleList
from torch import Tensor, nn


def has_plain_losses(head: nn.Module) -> bool:
    """Whether a head's losses are those of mmseg's ``BaseDecodeHead``."""
    return type(head).loss_by_feat is BaseDecodeHead.loss_by_feat


def head_losses(
    head: BaseDecodeHead, outputs: Tensor | tuple[Tensor, ...], data_samples: SampleList
) -> dict[str, Tensor]:
    """What ``head.loss_by_feat`` returns, without ``acc_seg``.

    mmseg's own computes the accuracy of every pixel in every step, which costs
    a sixth of a small network's step on a CPU and waits for the device on a
    GPU; and it resizes logits a second time that an adversarial method has
    resized already. Heads with losses of their own are asked as they are.

    Args:
        head: The head that the outputs are of.
        outputs: What it returned. A tensor (N, C, h, w) of a head with plain
            losses is resized to the labels unless it has their size.
        data_samples: With the labels, one of (1, H, W) a sample, and where
            pixels are weighed ``pixel_weights`` of the same shape, a factor of
            each pixel's loss (the mean is still over all labelled pixels).
            Heads with losses of their own do not look at weights.

    Returns:
        The losses, scalars, with mmseg's keys.
    """
    if not has_plain_losses(head):
        return head.loss_by_feat(outputs, data_samples)
    labels = head._stack_batch_gt(data_samples)
    if outputs.shape[2:] != labels.shape[2:]:
        outputs = resize(
            outputs,
            size=labels.shape[2:],
            mode='bilinear',
            align_corners=head.align_corners,
        )
    weight = None if head.sampler is None else head.sampler.sample(outputs, labels)
    if 'pixel_weights' in data_samples[0]:
        pixel_weights = torch.cat(
            [sample.pixel_weights.data for sample in data_samples]
        )
        weight = pixel_weights if weight is None else weight * pixel_weights
    functions = head.loss_decode
    if not isinstance(functions, nn.ModuleList):
        functions = [functions]
    losses: dict[str, Tensor] = {}
    for function in functions:
        loss = function(
            outputs, labels.squeeze(1), weight=weight, ignore_index=head.ignore_index
        )
        name = function.loss_name
        losses[name] = losses[name] + loss if name in losses else loss
    return losses
