from .backbones import WideResNet38, WideResNet41, Xception71
from .checkpoints import StrictPretrained
from .data_preprocessors import DomainDataPreprocessor, PanopticDataPreprocessor
from .decode_heads import PanopticDeepLabHead
from .discriminators import DSCDiscriminator, FCDiscriminator
from .losses import (
    DomainAdversarialLoss,
    HardPixelCrossEntropy,
    MaskedRegressionLoss,
)
from .segmentors import PanopticDeepLab
from .tta import PanopticTTA, SemanticTTA

__all__ = [
    'DSCDiscriminator',
    'DomainAdversarialLoss',
    'DomainDataPreprocessor',
    'FCDiscriminator',
    'HardPixelCrossEntropy',
    'MaskedRegressionLoss',
    'PanopticDataPreprocessor',
    'PanopticDeepLab',
    'PanopticDeepLabHead',
    'PanopticTTA',
    'SemanticTTA',
    'StrictPretrained',
    'WideResNet38',
    'WideResNet41',
    'Xception71',
]
