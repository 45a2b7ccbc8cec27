"""Discriminators that tell source from target by class probabilities."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from segda_mm.registry import MODELS


@MODELS.register_module()
class FCDiscriminator(BaseModule):
    """Tell source from target predictions, patch by patch.

    Five convolutions (kernel 4, stride 2, padding 1) with LeakyReLU between
    them; the output is brought back to the input's scale. Paper: "Meta Pseudo
    Labels for Real-Time Semantic Segmentation", section IV.B; on a 19 x 1024 x
    512 map 2,781,121 parameters and 30.89 GFLOPs (two for one
    multiply-addition).

    Args:
        num_classes: Channels of the input, the classes of the generator.
        channels: Outputs of the five convolutions.
        negative_slope: Of the LeakyReLU.
        init_cfg: See :class:`mmengine.model.BaseModule`.
    """

    def __init__(
        self,
        num_classes: int,
        channels: tuple[int, ...] = (64, 128, 256, 512, 1),
        negative_slope: float = 0.2,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        layers: list[nn.Module] = []
        for in_channels, out_channels in zip((num_classes, *channels), channels):
            layers.append(self.make_convolution(in_channels, out_channels))
            layers.append(nn.LeakyReLU(negative_slope, inplace=True))
        self.layers = nn.Sequential(*layers[:-1])
        self.upsample = nn.Upsample(
            scale_factor=2 ** len(channels), mode='bilinear', align_corners=False
        )

    def make_convolution(self, in_channels: int, out_channels: int) -> nn.Module:
        """A convolution that halves the map; a subclass may build it otherwise."""
        return nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1)

    def forward(self, seg_probs: Tensor) -> Tensor:
        """Logits of "this is a source prediction".

        Args:
            seg_probs: Softmax of the generator's logits, shape
                (N, num_classes, H, W) with H and W at least 32.

        Returns:
            Shape (N, 1, 32 * floor(H / 32), 32 * floor(W / 32)).
        """
        return self.upsample(self.layers(seg_probs))


@MODELS.register_module()
class DSCDiscriminator(FCDiscriminator):
    """FCDiscriminator with every convolution made depthwise separable.

    A depthwise 4x4 (stride 2, padding 1) and a pointwise 1x1 convolution,
    both without bias. Paper: "Meta Pseudo Labels for Real-Time Semantic
    Segmentation", Fig. 2 and Table II; on a 19 x 1024 x 512 map 189,424
    parameters and 2.147 GFLOPs (two for one multiply-addition).
    """

    def make_convolution(self, in_channels: int, out_channels: int) -> nn.Module:
        """A depthwise separable convolution that halves the map."""
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
