from .data_preprocessors import DomainDataPreprocessor
from .discriminators import DSCDiscriminator, FCDiscriminator
from .feedback_rules import LossProductFeedback, StudentLossChangeFeedback
from .losses import DomainAdversarialLoss
from .segmentors import BiSeNetDA, MetaPseudoLabels, SegmentorGenerator
from .tta import SemanticTTA

__all__ = [
    'BiSeNetDA', 'DSCDiscriminator', 'DomainAdversarialLoss',
    'DomainDataPreprocessor', 'FCDiscriminator', 'LossProductFeedback',
    'MetaPseudoLabels', 'SegmentorGenerator', 'SemanticTTA',
    'StudentLossChangeFeedback'
]
