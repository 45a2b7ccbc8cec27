"""Meta Pseudo Labels: a teacher that learns from how its student fares."""

from functools import partial
from typing import Any

import torch
from mmengine.dist import broadcast
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from segda_mm.methods.base import DomainAdaptiveSegmentor
from segda_mm.methods.feedback import StudentReport
from segda_mm.methods.generator import (
    GeneratorResult,
    Scalars,
    SegmentorGenerator,
    require_pixel_weights,
)
from segda_mm.methods.labeling_pass import SharedPass, labeling_pass
from segda_mm.methods.pseudo_labelers import label_pixels
from segda_mm.methods.steps import (
    DomainBatch,
    Passes,
    add_role,
    adversarial_losses,
    adversarial_step,
    collected,
    is_due,
    labeled_loss,
    pseudo_labeled,
    require_source,
    split_domains,
)
from segda_mm.methods.student_measures import StudentMeasures, mean_of_processes
from segda_mm.models.checkpoints import load_network_weights
from segda_mm.ops.domain_mixing import add_noise_patch
from segda_mm.ops.pseudo_labels import IGNORE_INDEX
from segda_mm.registry import MODELS


@MODELS.register_module()
class MetaPseudoLabels(DomainAdaptiveSegmentor):
    """Student and teacher, each with a discriminator of its own.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation". The teacher
    labels every target batch afresh; the student learns from source labels
    and pseudo labels (Eq. 1 and 5); its report weighs the teacher's loss on
    the same pseudo labels by a feedback rule. Its networks are
    ``student_generator``, ``student_discriminator``, ``teacher_generator`` and
    ``teacher_discriminator``. Trained by ``MPLTrainLoop``, which tells the epoch.

    Args:
        generator: Config of a ``SegmentorGenerator``, for both roles.
        teacher_generator: The teacher's, where it is another network than the student,
            of as many classes; both get images normalised by ``data_preprocessor``.
        discriminator: Its config, for both roles.
        feedback_rule: Config of a :class:`BaseFeedbackRule`.
        student_adv_weight: lambda_adv of the student (Eq. 5).
        teacher_adv_weight: The teacher's (the paper's formula has 1).
        pseudo_labeler: Config of what trusts the teacher's labels: what it voids is
            left out of the losses of both roles, and what only weighs pixels weighs
            them. None: all count alike.
        label_batch_statistics: Whether the teacher's BatchNorm normalises a batch
            that it labels by its own statistics, as where it learns from it (Pham
            et al. label so), or by the running ones.
        uda_probability: Of the teacher's UDA loss in a step.
        uda_sigma: Standard deviation of its noise in normalised units.
        student_checkpoint: Overrides for the student's generator, usually
            ``dict(checkpoint=..., checkpoint_prefix=...)``. With
            ``discriminator_prefix`` its discriminator starts from the same file.
        teacher_checkpoint: The same for the teacher, which the paper starts from
            an adapted network.
        predict_on: ``'student'`` or ``'teacher'``.
        adversarial_loss: Config of the loss of domain logits; None:
            ``DomainAdversarialLoss``.
        gradient_ratio_interval: Iterations between two measurements of
            ``student_generator.adversarial.gradient_ratio`` and the teacher's.
        data_preprocessor: Config of a ``DomainDataPreprocessor``.
        kwargs: ``masking``, ``masked_loss_weight`` and ``backward_per_pass``, of the
            base class.

    Raises:
        ValueError: ``predict_on`` names no role, or the numbers of classes differ.
        TypeError: Labels are only to be weighed, but not by the decode head's losses.
    """

    ROLES = ('student', 'teacher')

    def __init__(
        self,
        generator: dict,
        discriminator: dict,
        feedback_rule: dict,
        student_adv_weight: float,
        teacher_adv_weight: float,
        pseudo_labeler: dict | None,
        label_batch_statistics: bool,
        uda_probability: float,
        uda_sigma: float,
        student_checkpoint: dict | None = None,
        teacher_checkpoint: dict | None = None,
        teacher_generator: dict | None = None,
        predict_on: str = 'student',
        adversarial_loss: dict | None = None,
        gradient_ratio_interval: int = 50,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(predict_on, data_preprocessor, init_cfg, **kwargs)
        self._adapted: list[tuple[nn.Module, str, str]] = []
        self.student_generator, self.student_discriminator = self._build_role(
            generator, discriminator, student_checkpoint
        )
        self.teacher_generator, self.teacher_discriminator = self._build_role(
            teacher_generator or generator, discriminator, teacher_checkpoint
        )
        self.feedback_rule = MODELS.build(feedback_rule)
        self.adversarial_loss = MODELS.build(
            adversarial_loss or dict(type='DomainAdversarialLoss')
        )
        self.pseudo_labeler, self._only_weighs = None, False
        if pseudo_labeler is not None:
            self.pseudo_labeler = MODELS.build(pseudo_labeler)
            self._only_weighs = not self.pseudo_labeler.voids
        heads: list[Any] = [
            network.segmentor.decode_head
            for network in (self.student_generator, self.teacher_generator)
        ]
        if self._only_weighs:
            for head in heads:
                require_pixel_weights(head)
        if heads[0].num_classes != heads[1].num_classes:
            raise ValueError(
                f'model.generator has {heads[0].num_classes} classes and '
                f'model.teacher_generator {heads[1].num_classes}; let num_classes of '
                'both agree'
            )
        self.loss_weights |= {'adversarial.loss': student_adv_weight}
        self.teacher_adv_weight = teacher_adv_weight
        self.label_batch_statistics = label_batch_statistics
        self.uda_probability = uda_probability
        self.uda_sigma = uda_sigma
        self.gradient_ratio_interval = gradient_ratio_interval
        self.epoch, self.max_epochs = 0, 1
        self._shared_pass = SharedPass()

    def _build_role(
        self, generator: dict, discriminator: dict, start: dict | None
    ) -> tuple[SegmentorGenerator, nn.Module]:
        start = dict(start or {})
        prefix = start.pop('discriminator_prefix', None)
        role = MODELS.build({**generator, **start}), MODELS.build(discriminator)
        if prefix is not None and start.get('checkpoint') is not None:
            self._adapted.append((role[1], start['checkpoint'], prefix))
        return role

    def init_weights(self) -> None:
        """Initialise, then load what a role's checkpoint has for its discriminator."""
        super().init_weights()
        for discriminator, checkpoint, prefix in self._adapted:
            load_network_weights(discriminator, checkpoint, prefix)

    def set_progress(self, epoch: int, max_epochs: int) -> None:
        """Be told by the loop how many epochs are completed, and of how many."""
        self.epoch, self.max_epochs = epoch, max_epochs

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> Scalars:
        """Label, teach the student, hear its report, correct the teacher."""
        source, images = split_domains(self.data_preprocessor(data, True))
        source = require_source(source, self)
        target, teacher_result = self.label_target(
            images.inputs, optim_wrapper['teacher_generator']
        )

        measure_gradients = is_due(self.gradient_ratio_interval)
        measures = StudentMeasures(
            self.feedback_rule,
            self.student_generator,
            optim_wrapper['student_generator'],
        )
        labeled_loss_before = measures.labeled_loss(source)
        student = adversarial_step(
            self,
            ('student_generator', 'student_discriminator'),
            optim_wrapper,
            self.passes_to_descend(source, target),
            self.loss_weights,
            source,
            target,
            self.adversarial_loss,
            measure_gradients,
            measures.after_pass,
        )
        report = StudentReport(
            source_loss=mean_of_processes(student['student_generator.source.loss']),
            target_loss=mean_of_processes(student['student_generator.target.loss']),
            labeled_loss_before=labeled_loss_before,
            labeled_loss_after=measures.labeled_loss(source),
            learning_rate=optim_wrapper['student_generator'].get_lr()['lr'][0],
            epoch=self.epoch,
            max_epochs=self.max_epochs,
            gradient_product=measures.gradient_product(source),
        )

        feedback = self.feedback_rule(report)
        target.result = teacher_result
        passes = self.teacher_passes(source, target)
        teacher = adversarial_step(
            self,
            ('teacher_generator', 'teacher_discriminator'),
            optim_wrapper,
            passes if self.backward_per_pass else [partial(collected, passes)],
            {'adversarial.loss': self.teacher_adv_weight, 'target.loss': feedback['h']},
            source,
            target,
            self.adversarial_loss,
            measure_gradients,
        )
        kept = (target.labels() != IGNORE_INDEX).float()
        return {
            'loss': student['student_generator.loss'],
            **student,
            **teacher,
            **add_role('mpl', feedback),
            'pseudo.kept_ratio': kept.mean((1, 2)).mean(),
        }

    def source_losses(self, source: DomainBatch) -> Scalars:
        """``source.loss`` of the student."""
        return {'source.loss': labeled_loss(self.student_generator, source)}

    def target_losses(self, target: DomainBatch) -> Scalars:
        """``adversarial.loss`` and ``target.loss`` of the student (Eq. 5)."""
        return adversarial_losses(
            self.student_generator,
            self.student_discriminator,
            self.adversarial_loss,
            target,
        )

    def teacher_passes(self, source: DomainBatch, target: DomainBatch) -> Passes:
        """What computes the same terms for the teacher, and ``uda.loss`` at times."""
        generator = self.teacher_generator
        uda_inputs = self._uda_view(target.inputs)
        passes = [
            lambda: {'source.loss': labeled_loss(generator, source)},
            lambda: adversarial_losses(
                generator, self.teacher_discriminator, self.adversarial_loss, target
            ),
        ]
        if uda_inputs is not None:
            noisy = DomainBatch(uda_inputs, target.data_samples)
            passes.append(lambda: {'uda.loss': labeled_loss(generator, noisy)})
        return passes

    def label_target(
        self, inputs: Tensor, optim_wrapper: OptimWrapper
    ) -> tuple[DomainBatch, GeneratorResult | None]:
        """Label images with the teacher as it now is, in its wrapper's precision.

        Returns:
            The same images with labels; and the pass that :class:`SharedPass` leaves
            for the teacher's step.
        """
        teacher, result = self.teacher_generator, None
        with optim_wrapper.optim_context(teacher):
            of_the_batch = self.label_batch_statistics
            if of_the_batch and not self.backward_per_pass:
                labeling, result = self._shared_pass(teacher, inputs)
            else:
                # Without a graph that would be held during the student's step.
                labeling = labeling_pass(teacher, inputs, of_the_batch)
        head: Any = teacher.segmentor.decode_head
        *_, trusted = label_pixels(labeling, self.pseudo_labeler, head.threshold)
        weights = trusted.weights if self._only_weighs else None
        return pseudo_labeled(inputs, trusted.labels, weights), result

    def _uda_view(self, inputs: Tensor) -> Tensor | None:
        coin = torch.rand(())
        # All processes alike: they exchange messages within a forward pass.
        broadcast(coin)
        if coin < self.uda_probability:
            return add_noise_patch(inputs, self.uda_sigma)
        return None
