"""Which pixels of a prediction are trusted as labels, and how much."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from segda_mm.methods.generator import GeneratorResult
from segda_mm.ops import pseudo_labels
from segda_mm.ops.class_probabilities import two_class_logits
from segda_mm.ops.upsampled_logits import upsampled_prediction
from segda_mm.registry import MODELS

SCOPES = ('image', 'batch', 'dataset')


class PseudoLabels(NamedTuple):
    """One decision, said in two ways; a loss takes the one that it can use.

    ``labels``, shape (N, H, W), are void (255) where the prediction is not trusted.
    ``weights``, same shape, in [0, 1], are factors of each pixel's loss on the
    predicted class.
    """

    labels: Tensor
    weights: Tensor


class PseudoLabeler(nn.Module, ABC):
    """Decides how far a network's predictions are trusted as labels."""

    #: Whether pixels become void. What voids none says all by its weights.
    voids: bool = False

    @abstractmethod
    def forward(
        self, confidence: Tensor, labels: Tensor, num_classes: int
    ) -> PseudoLabels:
        """Decide on every pixel.

        Args:
            confidence: Top-1 probabilities, shape (N, H, W), in [0, 1].
            labels: Predicted classes, same shape, integers in [0, num_classes).
            num_classes: Number of classes C.

        Returns:
            Labels in the dtype of ``labels``, weights in that of ``confidence``.
        """


def label_pixels(
    result: GeneratorResult,
    labeler: PseudoLabeler | None,
    threshold: float | None = None,
) -> tuple[Tensor, Tensor, PseudoLabels]:
    """Predict the classes of a pass's images, and decide how far to trust them.

    ``threshold`` is that of a decode head with one channel; see
    :func:`~segda_mm.ops.upsampled_logits.upsampled_prediction`.

    Returns:
        Probabilities of the predicted classes, and these, (N, H, W), and what the
        labeler makes of them; without one, all count alike.
    """
    logits = two_class_logits(result.head_logits.detach().float())
    confidence, predicted = upsampled_prediction(
        logits, result.size, result.align_corners, threshold
    )
    if labeler is None:
        trusted = PseudoLabels(predicted, torch.ones_like(confidence))
    else:
        trusted = labeler(confidence, predicted, logits.shape[1])
    return confidence, predicted, trusted


@MODELS.register_module()
class ClassMedian(PseudoLabeler):
    """Trust the pixels that reach the median confidence of their class.

    Montresori, Rosini, Vanderputten: "Meta Pseudo Labels for Real-Time Semantic
    Segmentation", section "Pseudo Labels", step 2.

    With the scope ``'dataset'`` thresholds need all images before the first label:
    :meth:`statistics`, then :meth:`levels` and :meth:`count` for every image, then
    :meth:`levels_and_thresholds`, and in a second pass :meth:`keep`.

    Args:
        cap: Upper limit of the class thresholds, in (0, 1] (the paper: 0.9).
        scope: Whose pixels share a median: an ``'image'``'s (the paper's released
            code), a ``'batch'``'s of one process, or a ``'dataset'``'s (the paper).

    Raises:
        ValueError: ``cap`` or ``scope`` is none of these.
    """

    voids = True

    def __init__(self, cap: float, scope: str) -> None:
        super().__init__()
        if not 0 < cap <= 1:
            raise ValueError(f'cap={cap} of ClassMedian must be in (0, 1]')
        if scope not in SCOPES:
            raise ValueError(
                f'scope={scope!r} of ClassMedian must be one of {", ".join(SCOPES)}'
            )
        self.cap, self.scope = cap, scope

    def forward(
        self, confidence: Tensor, labels: Tensor, num_classes: int
    ) -> PseudoLabels:
        """Void pixels under the threshold of their class, and weigh them 0."""
        if self.scope == 'dataset':
            raise ValueError(
                "ClassMedian(scope='dataset') has no thresholds before all images "
                'are seen: that is the work of MedianThresholdPseudoLabelHook and '
                "TTALabeler. Set scope='image' or 'batch' to label as the training "
                'goes on'
            )
        thresholds = pseudo_labels.median_thresholds(
            confidence, labels, num_classes, self.cap, self.scope
        )
        kept = pseudo_labels.mask_low_confidence(labels, confidence, thresholds)
        is_kept = kept != pseudo_labels.IGNORE_INDEX
        return PseudoLabels(kept, is_kept.to(confidence.dtype))

    @staticmethod
    def statistics(num_classes: int, device: torch.device | str = 'cpu') -> Tensor:
        """Counts of no pixel yet; those of processes add up."""
        return pseudo_labels.empty_histogram(num_classes, device)

    def levels(self, confidence: Tensor) -> Tensor:
        """Confidences of any shape as int32 in [0, 65535]."""
        return pseudo_labels.quantize_confidence(confidence, self.cap)

    @staticmethod
    def count(statistics: Tensor, levels: Tensor, labels: Tensor) -> None:
        """Count pixels in place: their levels and classes, two tensors of one shape."""
        pseudo_labels.count_confidences(statistics, levels, labels)

    def levels_and_thresholds(self, statistics: Tensor) -> tuple[Tensor, Tensor]:
        """Thresholds of all pixels counted, shape (C,): int64, and as confidences."""
        return pseudo_labels.thresholds_from_histogram(statistics, self.cap)

    @staticmethod
    def keep(labels: Tensor, levels: Tensor, class_levels: Tensor) -> Tensor:
        """Void pixels (N, H, W) under the level of their class, shape (C,)."""
        return pseudo_labels.mask_low_confidence(labels, levels, class_levels[None])


@MODELS.register_module()
class ConfidentShare(PseudoLabeler):
    """Weigh an image by the share of its pixels that reach a threshold.

    Tranheden et al., "DACS", WACV 2021.

    Args:
        threshold: Confidence, in [0, 1] (DACS: 0.968).
        ignored_rows: How many rows at the top and at the bottom weigh 0, such as those
            of the own car (DAFormer: 15 and 120 of 512). They count in the share.
    """

    def __init__(
        self, threshold: float, ignored_rows: tuple[int, int] = (0, 0)
    ) -> None:
        super().__init__()
        self.threshold = threshold
        self.ignored_rows = ignored_rows

    def forward(
        self, confidence: Tensor, labels: Tensor, num_classes: int
    ) -> PseudoLabels:
        """Give all pixels of an image one weight; none becomes void."""
        share = (confidence >= self.threshold).to(confidence.dtype).mean((1, 2))
        top, bottom = self.ignored_rows
        rows = torch.arange(labels.shape[1], device=labels.device)
        counted = (rows >= top) & (rows < len(rows) - bottom)
        weights = share[:, None, None] * counted[:, None]
        return PseudoLabels(labels, weights.expand_as(confidence))


@MODELS.register_module()
class PixelConfidence(PseudoLabeler):
    """Weigh every pixel by a power of its confidence; no threshold decides.

    Args:
        exponent: Larger ones trust doubtful pixels less.
    """

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(
        self, confidence: Tensor, labels: Tensor, num_classes: int
    ) -> PseudoLabels:
        """Weigh pixels one by one; none becomes void."""
        return PseudoLabels(labels, confidence**self.exponent)
