"""Mean and variance of values that come in batches."""

import torch
from torch import Tensor


def moment_sums(count: int, mean: Tensor, variance: Tensor) -> Tensor:
    """What the moments of several batches are made of, for one of them.

    Args:
        count: Number n of values of each channel in the batch.
        mean: Their means, shape (C,).
        variance: Their mean squared differences from the means, shape (C,).

    Returns:
        (2 C + 1,) float64: n, n times the means, and n times the mean squares.
        Add those of several batches.
    """
    mean, variance = mean.double(), variance.double()
    return torch.cat(
        [mean.new_full((1,), count), count * mean, count * (variance + mean.square())]
    )


def pooled_moments(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of the values of all batches together.

    The variance follows from those of the batches by the law of total variance:
    the mean of the variances and the variance of the means.

    Args:
        sums: (2 C + 1,), sums of what :func:`moment_sums` returns, of at least
            one value.

    Returns:
        Means and variances, both (C,) float64; the variances are divided by
        n - 1, as those which BatchNorm keeps.
    """
    count = sums[0]
    mean, mean_square = (sums[1:] / count).chunk(2)
    variance = (mean_square - mean.square()).clamp(min=0)
    return mean, variance * count / (count - 1).clamp(min=1)
