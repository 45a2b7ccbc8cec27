"""Gaussian noise in a random rectangle: the UDA view of target images."""

import torch
from torch import Tensor

from segda_mm.ops.domain_mixing import between


def add_noise_patch(inputs: Tensor, sigma: float) -> Tensor:
    """Add Gaussian noise to one random rectangle of each image.

    Draws from torch's global CPU generator for the rectangles and from the
    inputs' own device for the noise.

    Args:
        inputs: Normalised images, shape (N, 3, H, W). Not changed.
        sigma: Standard deviation in normalised units.

    Returns:
        Same shape. Each side of a rectangle is uniform in [1, H] or [1, W].
    """
    num_images, _, height, width = inputs.shape
    corners = torch.rand(num_images, 4).to(inputs.device)
    box_height = (corners[:, 0] * height).floor() + 1
    box_width = (corners[:, 1] * width).floor() + 1
    top = (corners[:, 2] * (height - box_height + 1)).floor()
    left = (corners[:, 3] * (width - box_width + 1)).floor()
    rows = between(top, box_height, height)[:, None, :, None]
    inside = rows & between(left, box_width, width)[:, None, None]
    return inputs + torch.randn_like(inputs) * inside * sigma
