"""Adversarial domain adaptation with one generator and one discriminator."""

from collections.abc import Sequence
from typing import Any

from mmengine.optim import OptimWrapperDict
from torch import nn

from segda_mm.methods.base import DomainAdaptiveSegmentor
from segda_mm.methods.generator import Scalars
from segda_mm.methods.steps import (
    DomainBatch,
    adversarial_losses,
    adversarial_step,
    is_due,
    labeled_loss,
    require_source,
    split_domains,
)
from segda_mm.registry import MODELS


@MODELS.register_module()
class BiSeNetDA(DomainAdaptiveSegmentor):
    """Adapt BiSeNet, or any other segmentor, to images without labels.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation", Eq. 1-4, and
    Eq. 5 once the target images carry pseudo labels
    (``MedianThresholdPseudoLabelHook``). Its networks are ``generator`` and
    ``discriminator``.

    Args:
        generator: Config of a ``SegmentorGenerator``.
        discriminator: Its config.
        adv_weight: lambda_adv of Eq. 4; with 0 the weights learn from the source
            alone, though BatchNorm's running statistics see the target too.
        target_loss_weight: Weight of the loss on the target's pseudo labels
            (Eq. 5: 1). 0: no target label is looked at (Eq. 4).
        adversarial_loss: Config of the loss of domain logits; None:
            ``DomainAdversarialLoss``.
        unlabeled_losses: Configs of losses of the target's logits without labels,
            as ``EntropyLoss``, each with a ``loss_weight`` of its own.
        gradient_ratio_interval: Iterations between two measurements of
            ``generator.adversarial.gradient_ratio``.
        data_preprocessor: Config of a ``DomainDataPreprocessor``.
        kwargs: ``masking``, ``masked_loss_weight`` and ``backward_per_pass``, of the
            base class.
    """

    def __init__(
        self,
        generator: dict,
        discriminator: dict,
        adv_weight: float,
        target_loss_weight: float,
        adversarial_loss: dict | None = None,
        unlabeled_losses: Sequence[dict] | None = None,
        gradient_ratio_interval: int = 50,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(None, data_preprocessor, init_cfg, **kwargs)
        self.generator = MODELS.build(generator)
        self.discriminator = MODELS.build(discriminator)
        self.adversarial_loss = MODELS.build(
            adversarial_loss or dict(type='DomainAdversarialLoss')
        )
        self.unlabeled_losses = nn.ModuleList(
            MODELS.build(loss) for loss in unlabeled_losses or ()
        )
        self.loss_weights |= {
            'adversarial.loss': adv_weight,
            'target.loss': target_loss_weight,
        }
        self.gradient_ratio_interval = gradient_ratio_interval

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> Scalars:
        """Update the generator, then the discriminator."""
        pair, target = split_domains(self.data_preprocessor(data, True))
        source = require_source(pair, self)
        if not self.loss_weights['target.loss']:
            target.data_samples = None
        log_vars = adversarial_step(
            self,
            ('generator', 'discriminator'),
            optim_wrapper,
            self.passes_to_descend(source, target),
            self.loss_weights,
            source,
            target,
            self.adversarial_loss,
            measure_gradients=is_due(self.gradient_ratio_interval),
        )
        return {'loss': log_vars['generator.loss'], **log_vars}

    def source_losses(self, source: DomainBatch) -> Scalars:
        """``source.loss``."""
        return {'source.loss': labeled_loss(self.generator, source)}

    def target_losses(self, target: DomainBatch) -> Scalars:
        """The target's of Eq. 4 or 5, and ``unlabeled.<loss_name>`` of each loss."""
        losses = adversarial_losses(
            self.generator, self.discriminator, self.adversarial_loss, target
        )
        logits = target.passed_through(self.generator).logits
        for loss in self.unlabeled_losses:
            losses[f'unlabeled.{loss.loss_name}'] = loss(logits)
        return losses
