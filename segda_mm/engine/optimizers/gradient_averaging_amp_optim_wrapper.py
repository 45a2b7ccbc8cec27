"""Mixed-precision optimizer steps on averaged gradients."""

from mmengine.optim import AmpOptimWrapper

from segda_mm.engine.optimizers.gradient_averaging import average_gradients
from segda_mm.engine.optimizers.optimizer_state_layout import (
    align_state_with_parameters,
)
from segda_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class GradientAveragingAmpOptimWrapper(AmpOptimWrapper):
    """:class:`GradientAveragingOptimWrapper` with a loss scaler, on GPUs.

    The scaled gradients are averaged: an overflow in one process reaches all,
    so that all skip the same step and their scales stay equal. Takes the
    arguments of :class:`mmengine.optim.AmpOptimWrapper`. On a CPU use
    :class:`GradientAveragingBFloat16OptimWrapper`.
    """

    def step(self, **kwargs) -> None:
        """Average, unscale, clip if asked to, and update the parameters."""
        average_gradients(self.optimizer)
        super().step(**kwargs)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load a checkpoint's state into the parameters' memory layout.

        Args:
            state_dict: What :meth:`state_dict` returned.
        """
        super().load_state_dict(state_dict)
        align_state_with_parameters(self.optimizer)
