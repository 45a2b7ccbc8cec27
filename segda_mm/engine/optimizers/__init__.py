"""One optimizer for each named child network; gradients averaged at its step."""

from segda_mm.engine.optimizers.child_optim_wrapper_constructor import (
    ChildOptimWrapperConstructor,
)
from segda_mm.engine.optimizers.gradient_averaging import average_gradients
from segda_mm.engine.optimizers.gradient_averaging_amp_optim_wrapper import (
    GradientAveragingAmpOptimWrapper,
)
from segda_mm.engine.optimizers.gradient_averaging_bfloat16_optim_wrapper import (
    GradientAveragingBFloat16OptimWrapper,
)
from segda_mm.engine.optimizers.gradient_averaging_optim_wrapper import (
    GradientAveragingOptimWrapper,
)

__all__ = [
    'ChildOptimWrapperConstructor',
    'GradientAveragingAmpOptimWrapper',
    'GradientAveragingBFloat16OptimWrapper',
    'GradientAveragingOptimWrapper',
    'average_gradients',
]
