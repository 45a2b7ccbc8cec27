"""How certain, and how varied, the predictions for some images are."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class PredictionEntropy(NamedTuple):
    """Entropies of predictions as shares of log(C), both in [0, 1].

    ``entropy`` is the mean over the pixels of the entropy of their class
    probabilities, 0 where one class is certain; ``diversity`` is the entropy of
    the mean of all these probabilities, 0 where all pixels are of one class.
    """

    entropy: float
    diversity: float


def prediction_sums(logits: Tensor) -> Tensor:
    """What the entropies of a data set are made of, for one image.

    Args:
        logits: Shape (C, H, W).

    Returns:
        (C + 2,) float64: the number of pixels, the sum of their entropies in
        nats, and of each class the sum of its probabilities. Add those of
        several images.
    """
    probabilities = logits.float().softmax(dim=0)
    # Unlike p * log(p), `entr` is 0 for a probability of 0.
    entropies = torch.special.entr(probabilities).sum(0)
    return torch.cat(
        [
            entropies.new_full((1,), entropies.numel(), dtype=torch.float64),
            entropies.sum(dtype=torch.float64)[None],
            probabilities.sum((1, 2), dtype=torch.float64),
        ]
    )


def prediction_entropy(sums: Tensor) -> PredictionEntropy:
    """Entropies of all pixels that were summed.

    Args:
        sums: (C + 2,), sums of what :func:`prediction_sums` returns, of at least
            one pixel and two classes.
    """
    pixels, entropy, *classes = sums.tolist()
    limit = math.log(len(classes))
    shares = [share / pixels for share in classes]
    diversity = -sum(share * math.log(share) for share in shares if share > 0)
    # Rounding may lead past the ends.
    return PredictionEntropy(
        *(min(max(value / limit, 0.0), 1.0) for value in (entropy / pixels, diversity))
    )
