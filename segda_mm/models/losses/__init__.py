from .domain_adversarial_loss import DomainAdversarialLoss
from .entropy_loss import EntropyLoss
from .hard_pixel_cross_entropy import HardPixelCrossEntropy
from .masked_regression_loss import MaskedRegressionLoss
from .maximum_squares_loss import MaximumSquaresLoss
from .pixel_cross_entropy_loss import PixelCrossEntropyLoss

__all__ = [
    'DomainAdversarialLoss',
    'EntropyLoss',
    'HardPixelCrossEntropy',
    'MaskedRegressionLoss',
    'MaximumSquaresLoss',
    'PixelCrossEntropyLoss',
]
