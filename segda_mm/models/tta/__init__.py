"""Test-time augmentation."""

from .semantic_tta import SemanticTTA

__all__ = ['SemanticTTA']
