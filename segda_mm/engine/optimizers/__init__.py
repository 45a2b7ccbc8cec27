"""One optimizer for each named child network; gradients averaged at its step."""

from segda_mm.engine.optimizers.child_optim_wrapper_constructor import (
    ChildOptimWrapperConstructor,
)
from segda_mm.engine.optimizers.gradient_averaging import (
    GradientAveragingBFloat16OptimWrapper,
    GradientAveragingOptimWrapper,
)

__all__ = [
    'ChildOptimWrapperConstructor',
    'GradientAveragingBFloat16OptimWrapper',
    'GradientAveragingOptimWrapper',
]
