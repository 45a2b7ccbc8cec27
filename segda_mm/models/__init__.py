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
from .segmentors import (
    BiSeNetDA,
    MetaPseudoLabels,
    PanopticDeepLab,
    SegmentorGenerator,
)
from .strict_pretrained import StrictPretrained
from .tta import PanopticTTA, SemanticTTA

__all__ = [
    'BiSeNetDA', 'DSCDiscriminator', 'DomainAdversarialLoss',
    'DomainDataPreprocessor', 'FCDiscriminator', 'HardPixelCrossEntropy',
    'LossProductFeedback', 'MaskedRegressionLoss', 'MetaPseudoLabels',
    'PanopticDataPreprocessor', 'PanopticDeepLab', 'PanopticDeepLabHead',
    'PanopticTTA', 'SegmentorGenerator', 'SemanticTTA', 'StrictPretrained',
    'StudentLossChangeFeedback', 'WideResNet38', 'WideResNet41', 'Xception71'
]
