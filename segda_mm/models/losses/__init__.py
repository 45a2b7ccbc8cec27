from segda_mm.models.losses.certainty import EntropyLoss, MaximumSquaresLoss
from segda_mm.models.losses.cross_entropy import (
    HardPixelCrossEntropy,
    PixelCrossEntropyLoss,
)
from segda_mm.models.losses.domain_adversarial_loss import DomainAdversarialLoss
from segda_mm.models.losses.masked_regression_loss import MaskedRegressionLoss

__all__ = [
    'DomainAdversarialLoss',
    'EntropyLoss',
    'HardPixelCrossEntropy',
    'MaskedRegressionLoss',
    'MaximumSquaresLoss',
    'PixelCrossEntropyLoss',
]
