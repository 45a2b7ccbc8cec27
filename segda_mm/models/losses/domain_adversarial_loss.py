"""The loss between a discriminator's logits and a domain."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segda_mm.registry import MODELS

DOMAIN_LABELS = {'source': 1.0, 'target': 0.0}


@MODELS.register_module()
class DomainAdversarialLoss(nn.Module):
    """Binary cross-entropy of D's logits against "source" or "target".

    Eq. 3 of "Meta Pseudo Labels for Real-Time Semantic Segmentation", with
    z = 1 for the source, which nothing else has to know; Eq. 2 is this loss of
    target predictions against ``'source'``.
    """

    def forward(self, domain_logits: Tensor, domain: str) -> Tensor:
        """Mean over all positions, a scalar.

        Args:
            domain_logits: Output of a discriminator, shape (N, 1, H, W).
            domain: ``'source'`` or ``'target'``, the domain to be claimed.
        """
        labels = torch.full_like(domain_logits, DOMAIN_LABELS[domain])
        return F.binary_cross_entropy_with_logits(domain_logits, labels)

    @staticmethod
    def accuracy(domain_logits: Tensor, domain: str) -> Tensor:
        """Share of positions at which D names this domain.

        Args:
            domain_logits: As above.
            domain: The true one.

        Returns:
            A scalar in [0, 1], without a graph.
        """
        named_source = domain_logits.detach() > 0
        is_source = DOMAIN_LABELS[domain] == DOMAIN_LABELS['source']
        return (named_source == is_source).float().mean()
