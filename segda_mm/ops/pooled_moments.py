"""Mean and variance of values that come in batches."""

import torch
from torch import Tensor


def moment_sums(count: int, mean: Tensor, variance: Tensor) -> Tensor:
    """Sums that give the moments of several batches: (2 C + 1,) float64; add them.

    Args:
        count: Number of values of each channel in this batch.
        mean: Of each channel, (C,).
        variance: Their mean squared differences from the mean, (C,).
    """
    mean, variance = mean.double(), variance.double()
    return torch.cat(
        [mean.new_full((1,), count), count * mean, count * (variance + mean.square())]
    )


def pooled_moments(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Means and variances (C,), float64, of all batches of sums of :func:`moment_sums`.

    By the law of total variance; divided by n - 1, as those BatchNorm keeps.
    """
    count = sums[0]
    mean, mean_square = (sums[1:] / count).chunk(2)
    variance = (mean_square - mean.square()).clamp(min=0)
    return mean, variance * count / (count - 1).clamp(min=1)
