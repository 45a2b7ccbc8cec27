"""How much the loss trusts each pixel of a pseudo label."""

from .class_median_weights import ClassMedianWeights
from .confident_share_weights import ConfidentShareWeights
from .pixel_confidence_weights import PixelConfidenceWeights

__all__ = ['ClassMedianWeights', 'ConfidentShareWeights', 'PixelConfidenceWeights']
