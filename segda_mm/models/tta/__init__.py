"""Test-time augmentation."""

from segda_mm.models.tta.panoptic_tta import PanopticTTA
from segda_mm.models.tta.semantic_tta import SemanticTTA

__all__ = ['PanopticTTA', 'SemanticTTA']
