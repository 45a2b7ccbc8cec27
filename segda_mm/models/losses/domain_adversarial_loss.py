"""The loss between a discriminator's logits and a domain."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segda_mm.registry import MODELS

DOMAIN_LABELS = {'source': 1.0, 'target': 0.0}


@MODELS.register_module()
class DomainAdversarialLoss(nn.Module):
    """Binary cross-entropy of D's logits against "source" (z = 1) or "target".

    Eq. 3, and with target predictions against ``'source'`` Eq. 2, of "Meta Pseudo
    Labels for Real-Time Semantic Segmentation".
    """

    def forward(self, domain_logits: Tensor, domain: str) -> Tensor:
        """Mean over logits (N, 1, H, W) for ``'source'`` or ``'target'``, a scalar."""
        labels = torch.full_like(domain_logits, DOMAIN_LABELS[domain])
        return F.binary_cross_entropy_with_logits(domain_logits, labels)

    @staticmethod
    def accuracy(domain_logits: Tensor, domain: str) -> Tensor:
        """Share of positions at which D names the true domain, a scalar in [0, 1]."""
        named_source = domain_logits.detach() > 0
        is_source = DOMAIN_LABELS[domain] == DOMAIN_LABELS['source']
        return (named_source == is_source).float().mean()
