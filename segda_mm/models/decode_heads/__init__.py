from segda_mm.models.decode_heads.daformer_head import DAFormerHead
from segda_mm.models.decode_heads.panoptic_deeplab_head import PanopticDeepLabHead

__all__ = ['DAFormerHead', 'PanopticDeepLabHead']
