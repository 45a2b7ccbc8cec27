"""Networks, losses and test-time augmentation, as mmseg's registry knows them."""

from segda_mm.models.backbones import WideResNet38, WideResNet41, Xception71
from segda_mm.models.checkpoints import StrictPretrained
from segda_mm.models.data_preprocessors import (
    DomainDataPreprocessor,
    PanopticDataPreprocessor,
)
from segda_mm.models.decode_heads import DAFormerHead, PanopticDeepLabHead
from segda_mm.models.discriminators import DSCDiscriminator, FCDiscriminator
from segda_mm.models.losses import (
    DomainAdversarialLoss,
    EntropyLoss,
    HardPixelCrossEntropy,
    MaskedRegressionLoss,
    MaximumSquaresLoss,
    PixelCrossEntropyLoss,
)
from segda_mm.models.segmentors import PanopticDeepLab
from segda_mm.models.starting_weights import StartingWeights
from segda_mm.models.tta import PanopticTTA, SemanticTTA

__all__ = [
    'DAFormerHead',
    'DSCDiscriminator',
    'DomainAdversarialLoss',
    'DomainDataPreprocessor',
    'EntropyLoss',
    'FCDiscriminator',
    'HardPixelCrossEntropy',
    'MaskedRegressionLoss',
    'MaximumSquaresLoss',
    'PanopticDataPreprocessor',
    'PanopticDeepLab',
    'PanopticDeepLabHead',
    'PanopticTTA',
    'PixelCrossEntropyLoss',
    'SemanticTTA',
    'StartingWeights',
    'StrictPretrained',
    'WideResNet38',
    'WideResNet41',
    'Xception71',
]
