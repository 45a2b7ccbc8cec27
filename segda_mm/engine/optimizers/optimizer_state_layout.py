"""Memory layout of what an optimizer remembers."""

import torch
from torch import Tensor
from torch.optim import Optimizer


def align_state_with_parameters(optimizer: Optimizer) -> None:
    """Lay out momenta in memory as the parameters that they belong to.

    PyTorch's fused optimizers walk through parameter, gradient and momentum
    side by side without looking at their strides. A checkpoint of a model with
    channels first, resumed with channels last, would update every weight by
    the momentum of another one, without an error.

    Args:
        optimizer: Has just been loaded; its state is replaced in place.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if (
                isinstance(value, Tensor)
                and value.shape == parameter.shape
                and value.stride() != parameter.stride()
            ):
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(
                    value
                )
