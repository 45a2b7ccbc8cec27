"""A trained network that goes on with target images alone."""

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import is_norm
from mmengine.optim import OptimWrapperDict
from torch import nn

from segda_mm.methods.base import DomainAdaptiveSegmentor
from segda_mm.methods.generator import Scalars
from segda_mm.methods.steps import (
    DomainBatch,
    add_role,
    descend,
    labeled_loss,
    split_domains,
)
from segda_mm.registry import MODELS

TRAINED = ('all', 'norm')


@MODELS.register_module()
class SourceFree(DomainAdaptiveSegmentor):
    """One trained network, and what it makes of target images, without its source.

    With ``EntropyLoss`` and ``trained='norm'`` this is Wang et al., "Tent: Fully
    Test-Time Adaptation by Entropy Minimization", ICLR 2021, over whole epochs: the
    network that is left predicts by running statistics of the target, where Tent takes
    those of each batch. With ``target_loss_weight`` it learns from pseudo labels of its
    own (``MedianThresholdPseudoLabelHook``). Its network is ``generator``.

    Args:
        generator: Config of a ``SegmentorGenerator`` that starts from a checkpoint.
        trained: ``'all'`` weights, or ``'norm'``: the scales and shifts of
            normalisation layers alone, as in Tent. Running statistics follow the target
            in both.
        unlabeled_losses: Configs of losses of the logits without labels, as
            ``EntropyLoss``, each with a ``loss_weight`` of its own.
        target_loss_weight: Of the loss on pseudo labels; 0: no label is looked at.
        data_preprocessor: Config of a ``DomainDataPreprocessor``.
        kwargs: ``masking``, ``masked_loss_weight`` and ``backward_per_pass``, of the
            base class.

    Raises:
        ValueError: ``trained`` is neither, no normalisation layer is trained, or there
            is no loss.
    """

    def __init__(
        self,
        generator: dict,
        trained: str,
        unlabeled_losses: Sequence[dict],
        target_loss_weight: float,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(None, data_preprocessor, init_cfg, **kwargs)
        if trained not in TRAINED:
            raise ValueError(
                f'model.trained is {trained!r}, but must be one of {TRAINED}'
            )
        if not unlabeled_losses and not target_loss_weight:
            raise ValueError(
                'nothing would be learned: model.unlabeled_losses is empty and '
                'model.target_loss_weight is 0; give one of them'
            )
        self.generator = MODELS.build(generator)
        if trained == 'norm':
            _freeze_all_but_norm(self.generator)
        self.unlabeled_losses = nn.ModuleList(
            MODELS.build(loss) for loss in unlabeled_losses
        )
        self.loss_weights |= {'target.loss': target_loss_weight}

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> Scalars:
        """Update the generator by what it makes of the target."""
        _, target = split_domains(self.data_preprocessor(data, True))
        if not self.loss_weights['target.loss']:
            target.data_samples = None
        log_vars = descend(
            self.generator,
            optim_wrapper['generator'],
            self.passes_to_descend(None, target),
            self.loss_weights,
        )
        loss = log_vars.pop('loss')
        return {'loss': loss, **add_role('generator', log_vars)}

    def target_losses(self, target: DomainBatch) -> Scalars:
        """``unlabeled.<loss_name>`` of each such loss, and ``target.loss``.

        The latter where the target has pseudo labels.
        """
        logits = target.passed_through(self.generator).logits
        losses = {
            f'unlabeled.{loss.loss_name}': loss(logits)
            for loss in self.unlabeled_losses
        }
        if target.data_samples is not None:
            losses['target.loss'] = labeled_loss(self.generator, target)
        return losses


def _freeze_all_but_norm(network: nn.Module) -> None:
    """Leave the scales and shifts of normalisation layers, where they are trained."""
    affine = {
        id(parameter)
        for layer in network.modules()
        if is_norm(layer)
        for parameter in layer.parameters()
        if parameter.requires_grad
    }
    if not affine:
        raise ValueError(
            "model.trained='norm' trains the scales and shifts of normalisation "
            'layers, but the generator has no such layer that is trained; set '
            "model.trained='all'"
        )
    for parameter in network.parameters():
        parameter.requires_grad_(id(parameter) in affine)
