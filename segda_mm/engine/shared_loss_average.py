"""Average a loss over the pixels of all processes instead of each one's own."""

from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmseg.models.losses.cross_entropy_loss import CrossEntropyLoss, cross_entropy
from torch import nn


def share_loss_averages(model: nn.Module) -> None:
    """Make cross entropies divide by the pixels of all processes.

    ``CrossEntropyLoss(avg_non_ignore=True)`` divides by the pixels of its batch
    that are not void. In several processes each would divide by its own number,
    and the mean over processes would weigh the pixels of an image with much
    void more than others; pseudo labels, which are void for about half of the
    pixels, differ in it from image to image. Afterwards every process divides
    by the mean of the numbers, so that the mean of the losses, and of their
    gradients, is that of one process with all images in one batch.

    Left as they are: losses with class weights, and those that average over all
    pixels, whose number is the same everywhere.

    Args:
        model: In each process the same; its losses are changed in place.
    """
    for module in model.modules():
        if (
            isinstance(module, CrossEntropyLoss)
            and module.cls_criterion is cross_entropy
            and module.avg_non_ignore
            and module.class_weight is None
        ):
            module.register_forward_pre_hook(_add_avg_factor, with_kwargs=True)


def _add_avg_factor(
    loss: CrossEntropyLoss, args: tuple, kwargs: dict[str, Any]
) -> tuple[tuple, dict[str, Any]]:
    if get_world_size() == 1 or loss.reduction != 'mean':
        return args, kwargs
    logits = args[0] if args else kwargs['cls_score']
    label = args[1] if len(args) > 1 else kwargs['label']
    counted = (label != kwargs.get('ignore_index', -100)).sum()
    # float32 would round the number of pixels of a large batch.
    mean_counted = counted.to(torch.float64)
    all_reduce(mean_counted, 'mean')
    # A loss of float32 stays one; float16 has no room for the number.
    wanted = torch.promote_types(logits.dtype, torch.float32)
    return args, dict(kwargs, avg_factor=mean_counted.to(wanted))
