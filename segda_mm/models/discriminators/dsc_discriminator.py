"""The light discriminator of depthwise separable convolutions (DSC)."""

import torch.nn as nn

from segda_mm.models.discriminators.fc_discriminator import FCDiscriminator
from segda_mm.registry import MODELS


@MODELS.register_module()
class DSCDiscriminator(FCDiscriminator):
    """FCDiscriminator with every convolution made depthwise separable.

    A depthwise 4x4 (stride 2, padding 1) and a pointwise 1x1 convolution,
    both without bias. Paper: "Meta Pseudo Labels for Real-Time Semantic
    Segmentation", Fig. 2 and Table II; on a 19 x 1024 x 512 map 189,424
    parameters and 2.147 GFLOPs (two for one multiply-addition).
    """

    def make_convolution(self, in_channels: int, out_channels: int) -> nn.Module:
        """One halving of the map by a depthwise separable convolution."""
        return nn.Sequential(
            nn.Conv2d(
                in_channels,
                in_channels,
                4,
                stride=2,
                padding=1,
                groups=in_channels,
                bias=False,
            ),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
        )
