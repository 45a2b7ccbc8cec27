"""Backbones of the panoptic networks."""

from segda_mm.models.backbones.efficientnet_lite import EfficientNetLitePretrained
from segda_mm.models.backbones.wide_resnet import WideResNet38, WideResNet41
from segda_mm.models.backbones.xception import Xception71

__all__ = ['EfficientNetLitePretrained', 'WideResNet38', 'WideResNet41', 'Xception71']
