from segda_mm.models.decode_heads.panoptic_deeplab_head import PanopticDeepLabHead

__all__ = ['PanopticDeepLabHead']
