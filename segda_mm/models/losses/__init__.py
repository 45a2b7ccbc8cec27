from .domain_adversarial_loss import DomainAdversarialLoss
from .hard_pixel_cross_entropy import HardPixelCrossEntropy
from .masked_regression_loss import MaskedRegressionLoss
from .pixel_cross_entropy_loss import PixelCrossEntropyLoss

__all__ = [
    'DomainAdversarialLoss', 'HardPixelCrossEntropy', 'MaskedRegressionLoss',
    'PixelCrossEntropyLoss'
]
