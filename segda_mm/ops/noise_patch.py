"""Gaussian noise in a random rectangle: the UDA view of target images."""

import torch
from torch import Tensor


def add_noise_patch(inputs: Tensor, sigma: float) -> Tensor:
    """Add Gaussian noise to one random rectangle of each image.

    Rectangles are drawn from torch's CPU generator, sides uniform in [1, H] or
    [1, W], the noise on the inputs' device.

    Args:
        inputs: Normalised images, shape (N, 3, H, W). Not changed.
        sigma: Standard deviation in normalised units.
    """
    num_images, _, height, width = inputs.shape
    corners = torch.rand(num_images, 4).to(inputs.device)
    box_height = (corners[:, 0] * height).floor() + 1
    box_width = (corners[:, 1] * width).floor() + 1
    top = (corners[:, 2] * (height - box_height + 1)).floor()
    left = (corners[:, 3] * (width - box_width + 1)).floor()
    rows = torch.arange(height, device=inputs.device)
    columns = torch.arange(width, device=inputs.device)
    in_rows = (rows >= top[:, None]) & (rows < (top + box_height)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + box_width)[:, None])
    inside = (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
    return inputs + torch.randn_like(inputs) * inside * sigma
