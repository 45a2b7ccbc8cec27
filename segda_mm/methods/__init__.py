"""Which losses, in what order, through which optimizer: one paper a file."""

from .adversarial import BiSeNetDA
from .base import DomainAdaptiveSegmentor
from .feedback_rules import LossProductFeedback, StudentLossChangeFeedback
from .generator import SegmentorGenerator
from .mean_teacher import MeanTeacher
from .meta_pseudo_labels import MetaPseudoLabels
from .mixing import ClassMix, CutMix
from .pseudo_label_weights import (
    ClassMedianWeights,
    ConfidentShareWeights,
    PixelConfidenceWeights,
)
from .pseudo_labelers import (
    ClassMedian,
    ConfidentShare,
    PixelConfidence,
    PseudoLabeler,
    PseudoLabels,
)
from .strong_augmentation import StrongAugmentation

__all__ = [
    'BiSeNetDA',
    'ClassMedian',
    'ClassMedianWeights',
    'ClassMix',
    'ConfidentShare',
    'ConfidentShareWeights',
    'CutMix',
    'DomainAdaptiveSegmentor',
    'LossProductFeedback',
    'MeanTeacher',
    'MetaPseudoLabels',
    'PixelConfidence',
    'PixelConfidenceWeights',
    'PseudoLabeler',
    'PseudoLabels',
    'SegmentorGenerator',
    'StrongAugmentation',
    'StudentLossChangeFeedback',
]
