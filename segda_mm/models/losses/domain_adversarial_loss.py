"""The loss between a discriminator's logits and a domain."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from segda_mm.registry import MODELS

DOMAIN_LABELS = {'source': 1.0, 'target': 0.0}


@MODELS.register_module()
class DomainAdversarialLoss(nn.Module):
    """Binary cross-entropy of D's logits against "source" or "target".

    The only place that knows which number stands for which domain (Eq. 3 of
    "Meta Pseudo Labels for Real-Time Semantic Segmentation": z = 1 for the
    source). Eq. 2 is this loss of target predictions against ``'source'``.
    """

    def forward(self, domain_logits: Tensor, domain: str) -> Tensor:
        """Mean loss over all positions.

        Args:
            domain_logits: Output of a discriminator, shape (N, 1, H, W).
            domain: ``'source'`` or ``'target'``, the domain to be claimed.

        Returns:
            A scalar.
        """
        labels = torch.full_like(domain_logits, DOMAIN_LABELS[domain])
        return F.binary_cross_entropy_with_logits(domain_logits, labels)

    @staticmethod
    def accuracy(domain_logits: Tensor, domain: str) -> Tensor:
        """Share of positions at which D names this domain.

        Args:
            domain_logits: Output of a discriminator, shape (N, 1, H, W).
            domain: The true domain, ``'source'`` or ``'target'``.

        Returns:
            A scalar in [0, 1], without a graph.
        """
        named_source = domain_logits.detach() > 0
        is_source = DOMAIN_LABELS[domain] == DOMAIN_LABELS['source']
        return (named_source == is_source).float().mean()
