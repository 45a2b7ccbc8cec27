"""Convolutions in the memory layout that they are fastest in."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from segda_mm.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the weights of convolutions with their channels last in memory.

    Their inputs and outputs follow. Shapes, names and checkpoints stay as they
    are; sums are rounded in another order.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner) -> None:
        """Convert the model, before weights are loaded into it.

        Args:
            runner: The runner about to train, validate or test.
        """
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model.to(memory_format=torch.channels_last)
