from .bisenet_da import BiSeNetDA
from .domain_adaptive_segmentor import DomainAdaptiveSegmentor
from .mean_teacher import MeanTeacher
from .meta_pseudo_labels import MetaPseudoLabels
from .panoptic_deeplab import PanopticDeepLab
from .segmentor_generator import SegmentorGenerator

__all__ = [
    'BiSeNetDA',
    'DomainAdaptiveSegmentor',
    'MeanTeacher',
    'MetaPseudoLabels',
    'PanopticDeepLab',
    'SegmentorGenerator',
]
