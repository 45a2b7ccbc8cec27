"""A large network adapts, and teaches the small one that is deployed."""

from functools import partial
from typing import Any

from mmengine.optim import OptimWrapperDict

from segda_mm.methods.daformer import DAFormer
from segda_mm.methods.generator import Scalars, require_pixel_weights
from segda_mm.methods.mean_teacher import MeanTeacher
from segda_mm.methods.steps import (
    DomainBatch,
    Passes,
    add_role,
    collected,
    descend,
    labeled_loss,
    require_source,
)
from segda_mm.ops.distillation import distillation_divergence
from segda_mm.registry import MODELS


@MODELS.register_module()
class HeavyTeacher(MeanTeacher):
    """A mean teacher of a large network, and a light student beside it.

    The average of its own weights makes a small network a poor teacher of itself.
    Here a large student and its average adapt to each other as in
    :class:`MeanTeacher`, and the light student learns with them, from the same batches,
    after "DUDA: Distilled Unsupervised Domain Adaptation for Lightweight Semantic
    Segmentation" (arXiv 2504.09814). It is a child ``light_generator`` with an
    optimizer of its own, and no gradient of its losses reaches the large networks.

    Args:
        generator: Config of the large ``SegmentorGenerator``, of ``student_generator``
            and ``teacher_generator``.
        light_generator: That of the light one, of as many classes. Both get images
            normalised by ``data_preprocessor``.
        distillation_weight: Weight of ``distillation.loss`` of the light student, see
            :func:`~segda_mm.ops.distillation.distillation_divergence`, the mean over
            all pixels, in which those of the source count 0. With 0 it learns from
            labels alone.
        temperature: That softens the probabilities, above 0.
        predict_on: ``'light'``, ``'student'`` or ``'teacher'``.
        kwargs: See :class:`MeanTeacher`; pseudo labels have the same weights in both
            students, and ``target_loss_weight`` is of both. ``masking`` is the large
            student's.

    Raises:
        ValueError: As :class:`MeanTeacher`; or the numbers of classes differ, or
            ``temperature`` is not above 0.
        TypeError: As :class:`MeanTeacher`, of either decode head.
    """

    ROLES = ('light', 'student', 'teacher')

    def __init__(
        self,
        generator: dict,
        light_generator: dict,
        distillation_weight: float,
        temperature: float,
        predict_on: str = 'light',
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, predict_on=predict_on, **kwargs)
        if temperature <= 0:
            raise ValueError(f'model.temperature is {temperature}, but must be above 0')
        self.light_generator = MODELS.build(light_generator)
        light, heavy = (
            network.segmentor.decode_head
            for network in (self.light_generator, self.student_generator)
        )
        if light.num_classes != heavy.num_classes:
            raise ValueError(
                f'model.light_generator has {light.num_classes} classes and '
                f'model.generator {heavy.num_classes}; let num_classes of both agree'
            )
        if self.pseudo_labeler is not None:
            require_pixel_weights(light)
        self.temperature = temperature
        self.light_loss_weights = {
            'target.loss': self.loss_weights['target.loss'],
            'distillation.loss': distillation_weight,
        }

    def teach(
        self,
        source: DomainBatch | None,
        target: DomainBatch,
        optim_wrapper: OptimWrapperDict,
    ) -> Scalars:
        """Update the large student, then the light one, whose ``loss`` is logged."""
        source = require_source(source, self)
        log_vars = super().teach(source, target, optim_wrapper)
        log_vars['student_generator.loss'] = log_vars.pop('loss')
        # The passes of the large student are done with.
        source.result = target.result = None
        passes: Passes = [
            partial(self.light_source_losses, source),
            partial(self.light_target_losses, target),
        ]
        light = descend(
            self.light_generator,
            optim_wrapper['light_generator'],
            passes if self.backward_per_pass else [partial(collected, passes)],
            self.light_loss_weights,
        )
        loss = light.pop('loss')
        return {'loss': loss, **log_vars, **add_role('light_generator', light)}

    def light_source_losses(self, source: DomainBatch) -> Scalars:
        """``source.loss`` of the light student."""
        return {'source.loss': labeled_loss(self.light_generator, source)}

    def light_target_losses(self, target: DomainBatch) -> Scalars:
        """``target.loss`` and ``distillation.loss`` of the light student."""
        losses = {'target.loss': labeled_loss(self.light_generator, target)}
        if self.light_loss_weights['distillation.loss']:
            result = target.passed_through(self.light_generator)
            assert target.labeled_by is not None
            divergence = distillation_divergence(
                result.logits, target.labeled_by.logits, self.temperature
            )
            if target.pasted is not None:
                divergence = divergence.masked_fill(target.pasted, 0)
            losses['distillation.loss'] = divergence.mean()
        return losses


@MODELS.register_module()
class HeavyDAFormer(HeavyTeacher, DAFormer):
    """:class:`HeavyTeacher` whose large networks adapt as in :class:`DAFormer`."""
