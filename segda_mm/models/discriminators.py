"""Discriminators that tell source from target by class probabilities."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from segda_mm.registry import MODELS


@MODELS.register_module()
class FCDiscriminator(BaseModule):
    """Tell source from target predictions, patch by patch.

    Convolutions (kernel 4, stride 2) with LeakyReLU between them; the output is
    brought back to the input's scale. "Meta Pseudo Labels for Real-Time Semantic
    Segmentation", section IV.B; for 19 classes 2,781,121 parameters and 30.89
    GFLOPs at 1024 x 512 (two for one multiply-addition).

    Args:
        num_classes: Channels of the input, the classes of the generator.
        channels: Outputs of the convolutions.
        init_cfg: See mmengine.
    """

    def __init__(
        self,
        num_classes: int,
        channels: tuple[int, ...] = (64, 128, 256, 512, 1),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes, self.reduction = num_classes, 2 ** len(channels)
        layers: list[nn.Module] = []
        for in_channels, out_channels in zip((num_classes, *channels), channels):
            layers.append(self.make_convolution(in_channels, out_channels))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers[:-1])
        self.upsample = nn.Upsample(
            scale_factor=self.reduction, mode='bilinear', align_corners=False
        )

    def make_convolution(self, in_channels: int, out_channels: int) -> nn.Module:
        """A convolution that halves the map; a subclass may build it otherwise."""
        return nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1)

    def forward(self, seg_probs: Tensor) -> Tensor:
        """Logits of "this is a source prediction", of softmax (N, num_classes, H, W).

        Their shape is (N, 1, 32 * floor(H / 32), 32 * floor(W / 32)).

        Raises:
            ValueError: There are other classes, or less than one patch.
        """
        channels, height, width = seg_probs.shape[1:]
        if channels != self.num_classes:
            raise ValueError(
                f'num_classes of {type(self).__name__} is {self.num_classes}, but '
                f'the generator tells {channels} classes apart; set num_classes='
                f'{channels}'
            )
        if min(height, width) < self.reduction:
            raise ValueError(
                f'{type(self).__name__} judges patches of {self.reduction} pixels, '
                f'but gets images of {width}x{height}; crop or resize to larger ones '
                'in the pipelines of train_dataloader, or name fewer `channels`'
            )
        return self.upsample(self.layers(seg_probs))


@MODELS.register_module()
class DSCDiscriminator(FCDiscriminator):
    """FCDiscriminator of depthwise separable convolutions without bias.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", Fig. 2 and Table II;
    for 19 classes 189,424 parameters and 2.147 GFLOPs at 1024 x 512.
    """

    def make_convolution(self, in_channels: int, out_channels: int) -> nn.Module:
        """A depthwise separable convolution that halves the map."""
        return nn.Sequential(
            nn.Conv2d(
                in_channels, in_channels, 4, 2, 1, groups=in_channels, bias=False
            ),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
        )
