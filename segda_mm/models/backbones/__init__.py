"""Backbones of the panoptic networks."""

from segda_mm.models.backbones.wide_resnet import WideResNet38, WideResNet41
from segda_mm.models.backbones.xception import Xception71

__all__ = ['WideResNet38', 'WideResNet41', 'Xception71']
