"""Figures of merit that MMSegmentation does not have."""

from segda_mm.evaluation.panoptic_metric import PanopticMetric
from segda_mm.evaluation.semantic_metrics import (
    ConfusionMatrix,
    PerClassIoUMetric,
    PixelPrecision,
)

__all__ = ['ConfusionMatrix', 'PanopticMetric', 'PerClassIoUMetric', 'PixelPrecision']
