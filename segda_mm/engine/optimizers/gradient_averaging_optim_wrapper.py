"""Optimizer steps on gradients averaged over processes."""

from mmengine.optim import OptimWrapper

from segda_mm.engine.optimizers.gradient_averaging import average_gradients
from segda_mm.engine.optimizers.optimizer_state_layout import (
    align_state_with_parameters,
)
from segda_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class GradientAveragingOptimWrapper(OptimWrapper):
    """An optimizer whose step first averages the gradients of all processes.

    Adversarial methods run several networks with several optimizers in one
    step, which a ``DistributedDataParallel`` around the whole model cannot
    follow. Together with ``PassThroughDistributed`` this keeps the parameters
    of all processes equal. In a single process it is a plain
    :class:`mmengine.optim.OptimWrapper`, whose arguments it takes.
    """

    def step(self, **kwargs) -> None:
        """Average, clip if asked to, and update the parameters."""
        average_gradients(self.optimizer)
        super().step(**kwargs)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load a checkpoint's state into the parameters' memory layout.

        Args:
            state_dict: What :meth:`state_dict` returned.
        """
        super().load_state_dict(state_dict)
        align_state_with_parameters(self.optimizer)
