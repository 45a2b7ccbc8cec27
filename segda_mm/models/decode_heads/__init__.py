from .panoptic_deeplab_head import PanopticDeepLabHead

__all__ = ['PanopticDeepLabHead']
