import numpy as np
import torch

from segda_mm.ops.pooled_moments import moment_sums, pooled_moments


def sums_of(values):
    variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
    return moment_sums(values.numel() // values.shape[1], mean, variance)


def test_batches_of_different_sizes_against_numpy():
    torch.manual_seed(0)
    # Means that differ by more than the values within a batch.
    batches = [
        shift + torch.randn(images, 3, 2, 5)
        for images, shift in ((4, 0.0), (1, 30.0), (2, -7.0))
    ]
    mean, variance = pooled_moments(sum(map(sums_of, batches)))
    values = torch.cat(batches).double().numpy()
    np.testing.assert_allclose(mean, values.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(variance, values.var((0, 2, 3), ddof=1), rtol=1e-6)

    # One value has no spread.
    mean, variance = pooled_moments(sums_of(torch.full((1, 2, 1, 1), 3.0)))
    assert (mean.tolist(), variance.tolist()) == ([3, 3], [0, 0])
