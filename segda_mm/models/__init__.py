from .backbones import WideResNet38, WideResNet41, Xception71
from .data_preprocessors import DomainDataPreprocessor, PanopticDataPreprocessor
from .decode_heads import PanopticDeepLabHead
from .discriminators import DSCDiscriminator, FCDiscriminator
from .feedback_rules import LossProductFeedback, StudentLossChangeFeedback
from .losses import (
    DomainAdversarialLoss,
    HardPixelCrossEntropy,
    MaskedRegressionLoss,
)
from .mixing import ClassMix, CutMix
from .pseudo_label_weights import (
    ClassMedianWeights,
    ConfidentShareWeights,
    PixelConfidenceWeights,
)
from .segmentors import (
    BiSeNetDA,
    MeanTeacher,
    MetaPseudoLabels,
    PanopticDeepLab,
    SegmentorGenerator,
)
from .strict_pretrained import StrictPretrained
from .strong_augmentation import StrongAugmentation
from .tta import PanopticTTA, SemanticTTA

__all__ = [
    'BiSeNetDA',
    'ClassMedianWeights',
    'ClassMix',
    'ConfidentShareWeights',
    'CutMix',
    'DSCDiscriminator',
    'DomainAdversarialLoss',
    'DomainDataPreprocessor',
    'FCDiscriminator',
    'HardPixelCrossEntropy',
    'LossProductFeedback',
    'MaskedRegressionLoss',
    'MeanTeacher',
    'MetaPseudoLabels',
    'PanopticDataPreprocessor',
    'PanopticDeepLab',
    'PanopticDeepLabHead',
    'PanopticTTA',
    'PixelConfidenceWeights',
    'SegmentorGenerator',
    'SemanticTTA',
    'StrictPretrained',
    'StrongAugmentation',
    'StudentLossChangeFeedback',
    'WideResNet38',
    'WideResNet41',
    'Xception71',
]
