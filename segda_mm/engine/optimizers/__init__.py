"""One optimizer for each named child network; gradients averaged at its step."""

from segda_mm.engine.optimizers.child_optim_wrapper_constructor import (
    ChildOptimWrapperConstructor,
)
from segda_mm.engine.optimizers.gradient_averaging import (
    GradientAveragingAmpOptimWrapper,
    GradientAveragingBFloat16OptimWrapper,
    GradientAveragingOptimWrapper,
    average_gradients,
)

__all__ = [
    'ChildOptimWrapperConstructor',
    'GradientAveragingAmpOptimWrapper',
    'GradientAveragingBFloat16OptimWrapper',
    'GradientAveragingOptimWrapper',
    'average_gradients',
]
