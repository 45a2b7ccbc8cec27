"""Hooks that make training faster."""

import sys

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.losses import accuracy
from torch import Tensor

from segda_mm.engine.distributed import unwrapped
from segda_mm.ops.metrics import pixel_accuracy
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the weights of convolutions with their channels last in memory.

    Their inputs and outputs follow. Shapes, names and checkpoints stay as they
    are; sums are rounded in another order.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Convert the model, before weights are loaded into it."""
        unwrapped(runner.model).to(memory_format=torch.channels_last)


@HOOKS.register_module()
class HeadAccuracyHook(Hook):
    """Let mmseg's heads compute ``acc_seg`` by :func:`pixel_accuracy`.

    Every head sorts the logits of every pixel in every training step for a
    figure that is only logged. While a training runs, this hook puts a faster
    function in the place of mmseg's in the modules of its heads; the figure is
    the same but where two classes share the highest logit.
    """

    _HEADS = 'mmseg.models.decode_heads.'

    def before_train(self, runner: Runner) -> None:
        """Replace mmseg's function."""
        self._replaced = [
            module
            for name, module in list(sys.modules.items())
            if name.startswith(self._HEADS)
            and getattr(module, 'accuracy', None) is accuracy
        ]
        for module in self._replaced:
            module.accuracy = _top1_accuracy

    def after_train(self, runner: Runner) -> None:
        """Put mmseg's function back."""
        for module in self._replaced:
            module.accuracy = accuracy


def _top1_accuracy(
    pred: Tensor,
    target: Tensor,
    topk: int = 1,
    thresh: float | None = None,
    ignore_index: int | None = None,
) -> Tensor | list[Tensor]:
    if topk == 1 and thresh is None:
        return pixel_accuracy(pred, target, ignore_index)
    return accuracy(pred, target, topk, thresh, ignore_index)
