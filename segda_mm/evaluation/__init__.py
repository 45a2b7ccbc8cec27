"""Figures of merit that MMSegmentation does not have."""

from .panoptic_metric import PanopticMetric
from .per_class_iou import PerClassIoUMetric
from .pixel_precision import PixelPrecision

__all__ = ['PanopticMetric', 'PerClassIoUMetric', 'PixelPrecision']
