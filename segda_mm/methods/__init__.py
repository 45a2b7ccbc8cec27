"""Which losses, in what order, through which optimizer: one paper a file."""

from .adversarial import BiSeNetDA
from .augmentation import StrongAugmentation
from .base import DomainAdaptiveSegmentor
from .daformer import DAFormer
from .feedback import (
    GradientFeedback,
    LossProductFeedback,
    StudentLossChangeFeedback,
)
from .generator import SegmentorGenerator
from .heavy_teacher import HeavyDAFormer, HeavyTeacher
from .masking import BlockMask
from .mean_teacher import MeanTeacher
from .meta_pseudo_labels import MetaPseudoLabels
from .mixing import ClassMix, CutMix
from .pseudo_labelers import (
    ClassMedian,
    ConfidentShare,
    PixelConfidence,
    PseudoLabeler,
    PseudoLabels,
)
from .source_free import SourceFree

__all__ = [
    'BiSeNetDA',
    'BlockMask',
    'ClassMedian',
    'ClassMix',
    'ConfidentShare',
    'CutMix',
    'DAFormer',
    'DomainAdaptiveSegmentor',
    'GradientFeedback',
    'HeavyDAFormer',
    'HeavyTeacher',
    'LossProductFeedback',
    'MeanTeacher',
    'MetaPseudoLabels',
    'PixelConfidence',
    'PseudoLabeler',
    'PseudoLabels',
    'SegmentorGenerator',
    'SourceFree',
    'StrongAugmentation',
    'StudentLossChangeFeedback',
]
