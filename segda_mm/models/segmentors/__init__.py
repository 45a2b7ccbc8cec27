from segda_mm.models.segmentors.panoptic_deeplab import PanopticDeepLab

__all__ = ['PanopticDeepLab']
