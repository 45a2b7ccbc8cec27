"""Losses of labelled pixels, of certainty, of centers and offsets, and of domains."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor, nn

from segda_mm.ops.class_probabilities import class_probabilities, two_class_logits
from segda_mm.ops.metrics import pixel_accuracy
from segda_mm.ops.panoptic_codes import VOID_CLASS
from segda_mm.ops.upsampled_logits import upsampled_cross_entropy
from segda_mm.registry import MODELS

DOMAIN_LABELS = {'source': 1.0, 'target': 0.0}


@MODELS.register_module()
class PixelCrossEntropyLoss(CrossEntropyLoss):
    """mmseg's ``CrossEntropyLoss``, also of logits smaller than the labels.

    These are upsampled tile by tile, see
    :func:`~segda_mm.ops.upsampled_logits.upsampled_cross_entropy`, which is faster and
    takes less memory. With ``avg_non_ignore=True``; class weights are then divided by
    their sum over the labelled pixels. Other arguments and values are mmseg's.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs, avg_non_ignore=True)

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int = -100,
        align_corners: bool = False,
        with_accuracy: bool = False,
        **kwargs,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Compare logits (N, C, h, w) with labels (N, H, W); arguments are mmseg's.

        Args:
            align_corners: How logits of another size than the labels are resized.
            with_accuracy: Return what :func:`pixel_accuracy` says, too.
        """
        reduction = reduction_override or self.reduction
        # With a sigmoid, mmseg's average knows no class weights.
        if avg_factor is None and reduction == 'mean' and not self.use_sigmoid:
            avg_factor = self._sum_of_weights(cls_score, label, ignore_index)
        if cls_score.shape[2:] != label.shape[1:]:
            if reduction == 'mean' and not self.use_sigmoid:
                loss, accuracy = self._upsampled(
                    cls_score, label, weight, avg_factor, ignore_index, align_corners
                )
                return (loss, accuracy) if with_accuracy else loss
            cls_score = F.interpolate(
                cls_score, label.shape[1:], mode='bilinear', align_corners=align_corners
            )
        pixels = cls_score.flatten(2).transpose(1, 2).flatten(0, 1)
        loss = super().forward(
            pixels,
            label.flatten(),
            None if weight is None else weight.flatten(),
            avg_factor=avg_factor,
            reduction_override=reduction_override,
            ignore_index=ignore_index,
            **kwargs,
        )
        loss = loss.view_as(label) if reduction == 'none' else loss
        if with_accuracy:
            return loss, pixel_accuracy(cls_score, label, ignore_index)
        return loss

    def _upsampled(
        self,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None,
        avg_factor: Tensor,
        ignore_index: int,
        align_corners: bool,
    ) -> tuple[Tensor, Tensor]:
        class_weight = None
        if self.class_weight is not None:
            precision = torch.promote_types(logits.dtype, torch.float32)
            class_weight = logits.new_tensor(self.class_weight, dtype=precision)
        loss, correct = upsampled_cross_entropy(
            logits, label, ignore_index, align_corners, weight, class_weight
        )
        # As mmseg and pixel_accuracy have them where no pixel counts.
        tiny = torch.finfo(torch.float32).eps
        counted = (label != ignore_index).sum()
        accuracy = 100 * (correct[None] + tiny) / (counted + tiny)
        return self.loss_weight * loss / (avg_factor + tiny), accuracy

    def _sum_of_weights(
        self, cls_score: Tensor, label: Tensor, ignore_index: int
    ) -> Tensor:
        counted = label != ignore_index
        wanted = torch.promote_types(cls_score.dtype, torch.float32)
        if self.class_weight is None:
            return counted.sum().to(wanted)
        class_weight = cls_score.new_tensor(self.class_weight, dtype=wanted)
        return (class_weight[label.masked_fill(~counted, 0)] * counted).sum()


@MODELS.register_module()
class HardPixelCrossEntropy(nn.Module):
    """Mean weighted cross entropy over the hardest pixels of each image.

    Yang et al., "DeeperLab", 2019, with the weights of Cheng et al.,
    "Panoptic-DeepLab", CVPR 2020, section 3.3. The k pixels of an image with the
    largest losses w * -log p(label) count, as far as these are not 0; the result
    is the mean over images.

    Args:
        hard_fraction: k as a share of all pixels, void included, in (0, 1].
        loss_weight: Factor of the result.
        ignore_index: The label of void.
    """

    def __init__(
        self, hard_fraction: float, loss_weight: float, ignore_index: int = VOID_CLASS
    ) -> None:
        super().__init__()
        if not 0 < hard_fraction <= 1:
            raise ValueError(f'hard_fraction must lie in (0, 1], not {hard_fraction}')
        self.hard_fraction = hard_fraction
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index

    def forward(
        self, seg_logits: Tensor, labels: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """A scalar; 0 with a graph where all pixels are void.

        Args:
            seg_logits: Shape (N, C, H, W).
            labels: Train ids or ``ignore_index``, shape (N, H, W), int64.
            weight: Of each pixel, shape (N, H, W); None: 1.
        """
        losses = F.cross_entropy(
            seg_logits, labels, reduction='none', ignore_index=self.ignore_index
        )
        if weight is not None:
            losses = losses * weight
        losses = losses.flatten(1)
        num_hard = max(int(self.hard_fraction * losses.shape[1]), 1)
        hardest = losses.topk(num_hard, dim=1, sorted=False).values
        num_counted = hardest.count_nonzero(dim=1).clamp(min=1)
        return self.loss_weight * (hardest.sum(dim=1) / num_counted).mean()


@MODELS.register_module()
class EntropyLoss(nn.Module):
    """Mean entropy of the pixels' predictions, as a share of the largest one.

    Vu et al., "ADVENT", CVPR 2019, section 3.1 (MinEnt): -sum_c p log p / log C in
    [0, 1], with the mean over the pixels where the paper has the sum.

    The result is multiplied by ``loss_weight``.
    """

    loss_name = 'entropy_loss'

    def __init__(self, loss_weight: float) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor) -> Tensor:
        """A scalar, at least of float32, of logits (N, C, H, W)."""
        logits = two_class_logits(logits)
        num_classes, class_axis = logits.shape[1], 1
        if logits.is_contiguous(memory_format=torch.channels_last):
            # As in class_probabilities: no copy to channels first.
            logits, class_axis = logits.permute(0, 2, 3, 1), -1
        precision = torch.promote_types(logits.dtype, torch.float32)
        log_probs = logits.log_softmax(class_axis, dtype=precision)
        entropy = -(log_probs.exp() * log_probs).sum(class_axis).mean()
        return self.loss_weight / math.log(num_classes) * entropy


@MODELS.register_module()
class MaximumSquaresLoss(nn.Module):
    """Minus half the sum of the classes' squared probabilities, pixels' mean.

    Chen et al., "Domain Adaptation for Semantic Segmentation with Maximum
    Squares Loss", ICCV 2019; between -1/2, where all are certain, and -1/(2 C).

    Args:
        loss_weight: Factor of the result.
        image_wise_weighting_ratio: alpha of section 3.3, in [0, 1] (the paper:
            0.2): a pixel counts 1 / (N_c^alpha N^(1 - alpha)), where N_c of the
            image's N pixels are predicted as its class. None: 1 / N.
    """

    loss_name = 'maximum_squares_loss'

    def __init__(
        self, loss_weight: float, image_wise_weighting_ratio: float | None = None
    ) -> None:
        super().__init__()
        ratio = image_wise_weighting_ratio
        if ratio is not None and not 0 <= ratio <= 1:
            raise ValueError(
                f'image_wise_weighting_ratio must lie in [0, 1] or be None, not {ratio}'
            )
        self.loss_weight = loss_weight
        self.image_wise_weighting_ratio = ratio

    def forward(self, logits: Tensor) -> Tensor:
        """A scalar, not positive, at least of float32, of logits (N, C, H, W)."""
        precision = torch.promote_types(logits.dtype, torch.float32)
        logits = two_class_logits(logits)
        squares = class_probabilities(logits.to(precision)).square().sum(1)
        if self.image_wise_weighting_ratio is not None:
            squares = squares * self._relative_weights(logits)
        return -self.loss_weight / 2 * squares.mean()

    def _relative_weights(self, logits: Tensor) -> Tensor:
        """(N / N_c)^alpha of every pixel, shape (N, H, W), without a graph."""
        predicted = logits.detach().argmax(1)
        pixels = predicted.flatten(1)
        counts = pixels.new_zeros(logits.shape[:2])
        counts.scatter_add_(1, pixels, torch.ones_like(pixels))
        shares = (counts / pixels.shape[1]).gather(1, pixels)
        return shares.pow(-self.image_wise_weighting_ratio).view_as(predicted)


@MODELS.register_module()
class MaskedRegressionLoss(nn.Module):
    """Absolute or squared error, as the weighted mean over the batch's pixels.

    The losses of centers (l2) and offsets (l1) of Cheng et al.,
    "Panoptic-DeepLab", CVPR 2020, section 3.3.

    Args:
        norm: ``'l1'``, the absolute error, or ``'l2'``, the squared one.
        loss_weight: Factor of the result.
    """

    def __init__(self, norm: str, loss_weight: float) -> None:
        super().__init__()
        if norm not in ('l1', 'l2'):
            raise ValueError(f"norm must be 'l1' or 'l2', not {norm!r}")
        self.norm = norm
        self.loss_weight = loss_weight

    def forward(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """A scalar of maps (N, C, H, W) and weights (N, 1, H, W); 0 where all are 0."""
        error = prediction - target
        error = error.abs() if self.norm == 'l1' else error.square()
        # Of all processes: the mean of their losses is then that of one batch.
        total_weight = weight.sum() * prediction.shape[1]
        all_reduce(total_weight, 'mean')
        # Weights are counted in whole pixels, so that only their absence is 0.
        mean = (error * weight).sum() / total_weight.where(total_weight > 0, 1)
        return self.loss_weight * mean


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
