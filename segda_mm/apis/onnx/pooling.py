"""Adaptive pooling as the exporter of ONNX graphs can write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class PoolingByMatrices(TorchFunctionMode):
    """Computes adaptive average pooling as the exporter can write it.

    ONNX has no pooling into cells that overlap or differ in size, as those of a
    pyramid do where they do not divide the map. For one size of the map, their means
    are two products with matrices of weights, along the height and along the width.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """Run a function of PyTorch, or what stands for it."""
        kwargs = kwargs or {}
        if getattr(func, '__name__', '') != 'adaptive_avg_pool2d':
            return func(*args, **kwargs)
        maps, cells = (*args, *kwargs.values())
        cells = (cells, cells) if isinstance(cells, int) else cells
        sides = [int(side) for side in maps.shape[-2:]]
        cells = [side if n is None else int(n) for side, n in zip(sides, cells)]
        if cells == [1, 1]:
            # As global pooling, for which there is an int8 kernel.
            return func(*args, **kwargs)
        rows, columns = map(mean_weights, sides, cells)
        return rows.to(maps) @ maps @ columns.to(maps).T


def mean_weights(length: int, cells: int) -> Tensor:
    """Weights (cells, length) of the means of PyTorch's adaptive pooling.

    Cell i reaches from floor(i * length / cells) to ceil((i + 1) * length / cells).
    """
    cell, place = np.arange(cells)[:, None], np.arange(length)
    begin, end = cell * length // cells, -(-(cell + 1) * length // cells)
    weights = ((begin <= place) & (place < end)) / (end - begin)
    # NumPy, as the exporter would write down how PyTorch computes them.
    return torch.from_numpy(weights.astype(np.float32))
