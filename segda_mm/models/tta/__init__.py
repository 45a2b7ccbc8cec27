"""Test-time augmentation."""

from .panoptic_tta import PanopticTTA
from .semantic_tta import SemanticTTA

__all__ = ['PanopticTTA', 'SemanticTTA']
