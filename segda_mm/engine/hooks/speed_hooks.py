"""Hooks that make training faster."""

import sys
from collections.abc import Callable
from functools import partial

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import accuracy

from segda_mm.engine.distributed import unwrapped
from segda_mm.methods.generator import has_plain_losses, head_losses
from segda_mm.ops.metrics import pixel_accuracy
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the weights of convolutions with their channels last in memory.

    Their inputs and outputs follow; sums are rounded in another order.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Convert the model, before weights are loaded into it."""
        unwrapped(runner.model).to(memory_format=torch.channels_last)


@HOOKS.register_module()
class HeadAccuracyHook(Hook):
    """Let mmseg's heads compute ``acc_seg`` by :func:`pixel_accuracy`.

    mmseg's sorts the logits of every pixel. The figure is the same but where two
    classes share the highest logit. Heads with mmseg's plain losses compute these by
    :func:`head_losses`, too: a ``PixelCrossEntropyLoss`` then upsamples logits, and
    counts, tile by tile. Heads of a generator do so anyway.
    """

    def before_train(self, runner: Runner) -> None:
        """Replace mmseg's function, and the method of each head with plain losses."""
        _replace_in_heads(accuracy, pixel_accuracy)
        for head in _plain_heads(runner):
            head.loss_by_feat = partial(head_losses, head, with_accuracy=True)

    def after_train(self, runner: Runner) -> None:
        """Put mmseg's back, also after a training that was cut off."""
        _replace_in_heads(pixel_accuracy, accuracy)
        for head in _plain_heads(runner):
            vars(head).pop('loss_by_feat', None)


def _plain_heads(runner: Runner) -> list[BaseDecodeHead]:
    return [
        module
        for module in unwrapped(runner.model).modules()
        if isinstance(module, BaseDecodeHead) and has_plain_losses(module)
    ]


def _replace_in_heads(old: Callable, new: Callable) -> None:
    for name, module in list(sys.modules.items()):
        is_head = name.startswith('mmseg.models.decode_heads.')
        if is_head and getattr(module, 'accuracy', None) is old:
            module.accuracy = new
