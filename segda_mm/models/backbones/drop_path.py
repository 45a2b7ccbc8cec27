"""Residual branches that are left out at random while training (drop path)."""

from __future__ import annotations

from torch import Tensor, nn


class DropPath(nn.Module):
    """Leave the branch out for a sample, or scale it up so that the mean stays.

    Each sample's branch is kept with probability ``survival`` and then divided
    by it. In eval mode, and where ``survival`` is 1, nothing happens. Paper:
    Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.

    Args:
        survival: Probability in (0, 1] that a sample keeps the branch.

    Raises:
        ValueError: ``survival`` is not in (0, 1].
    """

    def __init__(self, survival: float) -> None:
        super().__init__()
        if not 0 < survival <= 1:
            raise ValueError(
                'drop_path_survival is the probability that a residual branch is '
                f'kept, in (0, 1]; it is {survival}'
            )
        self.survival = survival

    def forward(self, branch: Tensor) -> Tensor:
        """Keep or drop by sample.

        Args:
            branch: Floating point, shape (N, ...).

        Returns:
            Of the same shape and dtype.
        """
        if not self.training or self.survival == 1:
            return branch
        factors = branch.new_empty((branch.shape[0], *[1] * (branch.ndim - 1)))
        return branch * factors.bernoulli_(self.survival).div_(self.survival)

    def extra_repr(self) -> str:
        return f'survival={self.survival}'
