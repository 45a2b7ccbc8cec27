"""Losses and predictions of logits that are upsampled tile by tile.

Heads give logits at a fraction of the image's size, and losses and labels are of every
pixel. Upsampled at once, the maps of all classes are the largest tensors of a training
step, and each operation reads them from the memory again. Here a tile of pixels is
upsampled (bilinearly, which is a product with two matrices), used while it lies in the
cache and forgotten; what stays is of the logits' own size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Values in a tile: what a cache holds, and enough work for a kernel of a GPU.
CPU_TILE, GPU_TILE = 2**19, 2**24
#: Columns of logits in a tile on a CPU, where sums of more zeros cost more.
CPU_COLUMNS = 32


class PixelSums(NamedTuple):
    """Scalars over the labelled pixels.

    ``loss`` is the sum of the weighted cross entropies, with a graph; ``correct``,
    int64, counts the pixels whose label has the highest logit.
    """

    loss: Tensor
    correct: Tensor


def upsampled_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    ignore_index: int,
    align_corners: bool,
    pixel_weights: Tensor | None = None,
    class_weights: Tensor | None = None,
) -> PixelSums:
    """Compare logits, upsampled to the size of the labels, with the labels.

    The gradient is made with the value, so that no tile is upsampled twice.

    Args:
        logits: Shape (N, C, h, w). Float16 and bfloat16 are computed in float32.
        labels: Classes or ``ignore_index``, shape (N, H, W), int64.
        ignore_index: Label of pixels that do not count.
        align_corners: As of :func:`torch.nn.functional.interpolate`.
        pixel_weights: Factors of the pixels' losses, shape (N, H, W); None: 1.
        class_weights: Factors by the pixels' labels, shape (C,); None: 1.

    Raises:
        RuntimeError: A label is neither a class nor ``ignore_index``.
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # Low precision is too coarse for sums of interpolated values.
    with torch.autocast(logits.device.type, enabled=False):
        sums = _CrossEntropy.apply(
            wide, labels, ignore_index, align_corners, pixel_weights, class_weights
        )
    return PixelSums(*sums)


@torch.no_grad()
def upsampled_prediction(
    logits: Tensor,
    size: Sequence[int],
    align_corners: bool,
    threshold: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The predicted classes of upsampled logits, and their probabilities.

    Args:
        logits: Shape (N, C, h, w), C at least 2.
        size: (H, W) of the results.
        align_corners: As of :func:`torch.nn.functional.interpolate`.
        threshold: Of the probability of class 1 of two, above which it is predicted,
            as heads with one channel have it. None: the most probable class.

    Returns:
        Probabilities, at least of float32, and classes, int64, both (N, H, W).
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    shape = (len(logits), *size)
    confidence = wide.new_empty(shape)
    labels = torch.empty(shape, dtype=torch.int64, device=logits.device)
    num_classes = logits.shape[1]
    # The first of the highest logits; PyTorch's own search for an index is slower.
    ranks = torch.arange(num_classes, 0, -1, dtype=torch.int16, device=logits.device)
    with torch.autocast(logits.device.type, enabled=False):
        for band in _bands(wide, size, align_corners):
            for tile in band.tiles():
                values = tile.values - tile.values.amax(0)
                if threshold is None:
                    rank = (~(values < 0) * ranks[:, None]).amax(0)
                    classes = num_classes - rank.long()
                else:
                    classes = ((values[1] - values[0]).sigmoid() > threshold).long()
                labels[tile.pixels] = classes.view(tile.shape)
                values.exp_()
                own = values.gather(0, classes[None])[0] / values.sum(0)
                confidence[tile.pixels] = own.view(tile.shape)
    return confidence, labels


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        labels: Tensor,
        ignore_index: int,
        align_corners: bool,
        pixel_weights: Tensor | None,
        class_weights: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        gradient = torch.zeros_like(logits, memory_format=torch.contiguous_format)
        # Sums of tiles lose no digits.
        loss = logits.new_zeros((), dtype=torch.float64)
        correct = labels.new_zeros(())
        for band in _bands(logits, labels.shape[1:], align_corners):
            for tile in band.tiles():
                classes = labels[tile.pixels].reshape(1, -1)
                counted = classes[0] != ignore_index
                classes = classes.masked_fill(~counted, 0)
                factors = counted.to(logits.dtype)
                if pixel_weights is not None:
                    factors *= pixel_weights[tile.pixels].reshape(-1)
                if class_weights is not None:
                    factors *= class_weights[classes[0]]
                values = tile.values
                values -= values.amax(0)
                own = values.gather(0, classes)[0]
                total = values.exp_().sum(0)
                loss += ((total.log() - own) * factors).sum()
                correct += ((own == 0) & counted).sum()
                if not ctx.needs_input_grad[0]:
                    continue
                # Softmax minus one where the label is, by the pixel's factor.
                values *= factors / total
                own = values.gather(0, classes) - factors
                band.add_gradient(tile, values.scatter_(0, classes, own))
            if ctx.needs_input_grad[0]:
                gradient[band.image, :, band.rows] += band.source_gradient()
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(correct)
        return loss.to(logits.dtype), correct

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_loss: Tensor, of_correct: Tensor) -> tuple:
        (gradient,) = ctx.saved_tensors
        return gradient * of_loss, None, None, None, None, None


class _Tile(NamedTuple):
    """``values`` (C, pixels) of the upsampled maps at ``pixels`` of (N, H, W)."""

    values: Tensor
    pixels: tuple[int, slice, slice]
    shape: tuple[int, int]
    columns: slice
    matrix: Tensor


class _Band:
    """Some rows of one image's upsampled maps, and the gradient of these.

    ``rows`` are those of the logits that they are made of.
    """

    def __init__(
        self,
        logits: Tensor,
        image: int,
        across: _Axis,
        rows: slice,
        pixel_rows: slice,
        matrix: Tensor,
    ) -> None:
        self.image, self.rows = image, rows
        self._pixel_rows, self._matrix, self._across = pixel_rows, matrix, across
        # (C, rows of pixels, w)
        self._narrow = matrix @ logits[image, :, rows]
        self._gradient: Tensor | None = None

    def tiles(self) -> Iterator[_Tile]:
        """All pixels of the band, once."""
        num_classes, height, _ = self._narrow.shape
        for columns, pixels, matrix in self._across:
            values = self._narrow[..., columns].flatten(0, 1) @ matrix.T
            width = pixels.stop - pixels.start
            yield _Tile(
                values.view(num_classes, height * width),
                (self.image, self._pixel_rows, pixels),
                (height, width),
                columns,
                matrix,
            )

    def add_gradient(self, tile: _Tile, gradient: Tensor) -> None:
        """Take in the gradient (C, pixels) of the values of a tile."""
        if self._gradient is None:
            self._gradient = torch.zeros_like(self._narrow)
        part = gradient.view(-1, tile.shape[1]) @ tile.matrix
        columns = self._gradient[..., tile.columns]
        columns += part.view_as(columns)

    def source_gradient(self) -> Tensor:
        """That of the logits in ``rows``, shape (C, rows, w)."""
        assert self._gradient is not None
        return self._matrix.T @ self._gradient


#: Slices of logits and of pixels along an axis, the matrix from the one to the other.
_Axis = tuple[tuple[slice, slice, Tensor], ...]


def _bands(logits: Tensor, size: Sequence[int], align_corners: bool) -> Iterator[_Band]:
    """All images of (N, C, h, w) by bands of rows, upsampled to ``size``."""
    num_images, num_classes, height, width = logits.shape
    kind = (align_corners, logits.dtype, logits.device)
    if logits.device.type == 'cpu':
        columns = max(1, CPU_COLUMNS * size[1] // width)
        rows = max(1, CPU_TILE // (num_classes * min(columns, size[1])))
    else:
        columns = size[1]
        rows = max(1, GPU_TILE // (num_classes * columns))
    logits = logits.detach().contiguous()
    across = _axis(width, size[1], columns, *kind)
    for image in range(num_images):
        for source_rows, pixel_rows, matrix in _axis(height, size[0], rows, *kind):
            yield _Band(logits, image, across, source_rows, pixel_rows, matrix)


@lru_cache(maxsize=32)
def _axis(
    length: int,
    num_pixels: int,
    step: int,
    align_corners: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> _Axis:
    """Linear interpolation from ``length`` to ``num_pixels`` values, in steps."""
    # PyTorch's own weights, from the interpolation of each unit vector.
    whole = F.interpolate(
        torch.eye(length, dtype=dtype)[None],
        size=num_pixels,
        mode='linear',
        align_corners=align_corners,
    )[0].T
    parts = []
    for start in range(0, num_pixels, step):
        pixels = slice(start, min(start + step, num_pixels))
        used = whole[pixels].any(0).nonzero()
        source = slice(int(used[0]), int(used[-1]) + 1)
        parts.append((source, pixels, whole[pixels, source].contiguous().to(device)))
    return tuple(parts)
