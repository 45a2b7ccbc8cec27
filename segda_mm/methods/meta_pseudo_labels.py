"""Meta Pseudo Labels: a teacher that learns from how its student fares."""

from collections.abc import Callable, Mapping

import torch
from mmengine.dist import all_reduce, broadcast
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from segda_mm.methods.base import DomainAdaptiveSegmentor
from segda_mm.methods.feedback import StudentReport
from segda_mm.methods.generator import GeneratorResult, require_pixel_weights
from segda_mm.methods.labeling_pass import SharedPass, labeling_logits
from segda_mm.methods.pseudo_labelers import build_pseudo_labeler, label_pixels
from segda_mm.methods.steps import (
    DomainBatch,
    add_role,
    adversarial_losses,
    discriminator_step,
    evaluating,
    generator_step,
    is_due,
    labeled_loss,
    pseudo_labeled,
    sum_losses,
)
from segda_mm.ops.noise_patch import add_noise_patch
from segda_mm.ops.pseudo_labels import IGNORE_INDEX
from segda_mm.registry import MODELS


@MODELS.register_module()
class MetaPseudoLabels(DomainAdaptiveSegmentor):
    """Student and teacher, each with a discriminator of its own.

    "Meta Pseudo Labels for Real-Time Semantic Segmentation". The teacher
    labels every target batch afresh; the student learns from source labels
    and pseudo labels (Eq. 1 and 5); its report weighs the teacher's loss on
    the same pseudo labels by a feedback rule. Children, and so the keys of
    ``optim_wrapper`` and ``param_scheduler``: ``student_generator``,
    ``student_discriminator``, ``teacher_generator``,
    ``teacher_discriminator``. Trained by ``MPLTrainLoop``, which tells the
    epoch.

    Args:
        generator: Config of a ``SegmentorGenerator``, for both roles.
        discriminator: Config of a discriminator, for both roles.
        feedback_rule: Config of a feedback rule.
        student_adv_weight: lambda_adv of the student (Eq. 5).
        teacher_adv_weight: Weight of the teacher's adversarial loss; the
            paper's formula has 1.
        pseudo_labeler: Config of what trusts the teacher's labels, as
            ``ClassMedian``: what it voids costs neither student nor teacher
            anything, and what only weighs pixels weighs their losses. None: all
            count alike.
        label_batch_statistics: Whether the teacher's BatchNorm normalises a
            target batch by its own statistics when it labels it, as it does
            when it learns from it (the teacher of Pham et al. labels in
            training mode). False: by the running ones, a mixture of both
            domains.
        uda_probability: Of the teacher's UDA loss in a step.
        uda_sigma: Standard deviation of the noise in normalised units.
        student_checkpoint: Overrides for the student's generator, usually
            ``dict(checkpoint=..., checkpoint_prefix=...)``; None: from
            scratch (or the backbone's pretrained weights).
        teacher_checkpoint: The same for the teacher, which the paper starts
            from the adversarially adapted generator.
        predict_on: ``'student'`` or ``'teacher'``, the network that is
            evaluated and exported.
        adversarial_loss: Config of the loss of domain logits; None:
            ``DomainAdversarialLoss``.
        gradient_ratio_interval: Iterations between two measurements of
            ``student_generator.adversarial.gradient_ratio`` and the
            teacher's.
        data_preprocessor: Config of a ``DomainDataPreprocessor``.
        init_cfg: See :class:`mmengine.model.BaseModule`.

    Raises:
        ValueError: ``predict_on`` names no role.
        TypeError: Labels are only to be weighed, and the decode head computes its
            losses in a way of its own, where pixels have no weights.
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
        predict_on: str = 'student',
        adversarial_loss: dict | None = None,
        gradient_ratio_interval: int = 50,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(predict_on, data_preprocessor, init_cfg)
        self.student_generator = MODELS.build(
            {**generator, **(student_checkpoint or {})}
        )
        self.student_discriminator = MODELS.build(discriminator)
        self.teacher_generator = MODELS.build(
            {**generator, **(teacher_checkpoint or {})}
        )
        self.teacher_discriminator = MODELS.build(discriminator)
        self.feedback_rule = MODELS.build(feedback_rule)
        self.adversarial_loss = MODELS.build(
            adversarial_loss or dict(type='DomainAdversarialLoss')
        )
        self.pseudo_labeler = build_pseudo_labeler(pseudo_labeler)
        self._only_weighs = self.pseudo_labeler is not None and (
            not self.pseudo_labeler.voids
        )
        if self._only_weighs:
            require_pixel_weights(self.student_generator.segmentor.decode_head)
        self.loss_weights = {'adversarial.loss': student_adv_weight}
        self.teacher_adv_weight = teacher_adv_weight
        self.label_batch_statistics = label_batch_statistics
        self.uda_probability = uda_probability
        self.uda_sigma = uda_sigma
        self.gradient_ratio_interval = gradient_ratio_interval
        self.epoch, self.max_epochs = 0, 1
        self._shared_pass = SharedPass()

    def set_progress(self, epoch: int, max_epochs: int) -> None:
        """Be told by the loop how many epochs are completed, and of how many."""
        self.epoch, self.max_epochs = epoch, max_epochs

    def train_step(
        self, data: dict, optim_wrapper: OptimWrapperDict
    ) -> dict[str, Tensor]:
        """Label, teach the student, hear its report, correct the teacher.

        Args:
            data: ``dict(source=batch, target=batch)`` as collated from a
                ``DomainPairDataset``; labels of the target are not looked
                at.
            optim_wrapper: One member for each of the four networks.

        Returns:
            Losses, ``mpl.h``, ``pseudo.kept_ratio`` and health figures.
        """
        batches = self.data_preprocessor(data, True)
        source = DomainBatch(**batches['source'])
        target, teacher_result = self.label_target(
            batches['target']['inputs'], optim_wrapper['teacher_generator']
        )

        labeled_loss_before = self._labeled_loss(source, optim_wrapper)
        student = self._update(
            'student',
            self.student_losses,
            self.loss_weights,
            source,
            target,
            optim_wrapper,
        )
        report = StudentReport(
            source_loss=mean_of_processes(student['student_generator.source.loss']),
            target_loss=mean_of_processes(student['student_generator.target.loss']),
            labeled_loss_before=labeled_loss_before,
            labeled_loss_after=self._labeled_loss(source, optim_wrapper),
            learning_rate=optim_wrapper['student_generator'].get_lr()['lr'][0],
            epoch=self.epoch,
            max_epochs=self.max_epochs,
        )

        feedback = self.feedback_rule(report)
        target.result = teacher_result
        teacher = self._update(
            'teacher',
            self.teacher_losses,
            {'adversarial.loss': self.teacher_adv_weight, 'target.loss': feedback['h']},
            source,
            target,
            optim_wrapper,
        )
        return {
            'loss': student['student_generator.loss'],
            **student,
            **teacher,
            **add_role('mpl', feedback),
            'pseudo.kept_ratio': kept_ratio(target),
        }

    def student_losses(
        self, source: DomainBatch, target: DomainBatch
    ) -> dict[str, Tensor]:
        """Terms of Eq. 5: ``source.loss``, ``adversarial.loss``, ``target.loss``.

        Args:
            source: Images with labels.
            target: Images with the teacher's labels.
        """
        return adversarial_losses(
            self.student_generator,
            self.student_discriminator,
            self.adversarial_loss,
            source,
            target,
        )

    def teacher_losses(
        self, source: DomainBatch, target: DomainBatch
    ) -> dict[str, Tensor]:
        """The same terms for the teacher, and ``uda.loss`` now and then.

        Args:
            source: Images with labels.
            target: Images with the teacher's labels.
        """
        uda_inputs = self._uda_view(target.inputs)
        losses = adversarial_losses(
            self.teacher_generator,
            self.teacher_discriminator,
            self.adversarial_loss,
            source,
            target,
        )
        if uda_inputs is not None:
            losses['uda.loss'] = labeled_loss(
                self.teacher_generator, DomainBatch(uda_inputs, target.data_samples)
            )
        return losses

    def label_target(
        self, inputs: Tensor, optim_wrapper: OptimWrapper
    ) -> tuple[DomainBatch, GeneratorResult | None]:
        """Pseudo labels of the current teacher.

        Args:
            inputs: Normalised target images, shape (N, 3, H, W).
            optim_wrapper: The teacher's, for its precision.

        Returns:
            The same images with their pseudo labels; and the teacher's pass, for its
            step, None if it has to make one of its own: see :class:`SharedPass`.
        """
        teacher, result = self.teacher_generator, None
        with optim_wrapper.optim_context(teacher):
            if self.label_batch_statistics:
                logits, result = self._shared_pass(teacher, inputs)
            else:
                logits = labeling_logits(teacher, inputs, of_the_batch=False)
        *_, trusted = label_pixels(logits, self.pseudo_labeler)
        weights = trusted.weights if self._only_weighs else None
        return pseudo_labeled(inputs, trusted.labels, weights), result

    def _update(
        self,
        role: str,
        losses: Callable[[DomainBatch, DomainBatch], dict[str, Tensor]],
        weights: Mapping[str, float | Tensor],
        source: DomainBatch,
        target: DomainBatch,
        optim_wrapper: OptimWrapperDict,
    ) -> dict[str, Tensor]:
        """Update a role's generator, then its discriminator."""
        generator, discriminator = f'{role}_generator', f'{role}_discriminator'
        generated = generator_step(
            getattr(self, generator),
            getattr(self, discriminator),
            optim_wrapper[generator],
            losses,
            weights,
            source,
            target,
            measure_gradients=is_due(self.gradient_ratio_interval),
        )
        discriminated = discriminator_step(
            getattr(self, discriminator),
            optim_wrapper[discriminator],
            source,
            target,
            self.adversarial_loss,
        )
        return add_role(generator, generated) | add_role(discriminator, discriminated)

    @torch.no_grad()
    def _labeled_loss(
        self, source: DomainBatch, optim_wrapper: OptimWrapperDict
    ) -> Tensor | None:
        """The student's source loss without dropout and batch statistics.

        So the losses before and after a step are comparable. Heads such as
        PIDHead compute their losses in training mode only, so that just the
        layers are switched.
        """
        if not self.feedback_rule.needs_labeled_loss:
            return None
        generator = self.student_generator
        layers = [m for m in generator.modules() if not list(m.children())]
        with (
            evaluating(layers),
            optim_wrapper['student_generator'].optim_context(generator),
        ):
            losses, _ = generator(source.inputs, source.data_samples)
        return mean_of_processes(sum_losses(losses))

    def _uda_view(self, inputs: Tensor) -> Tensor | None:
        coin = torch.rand(())
        # All processes alike: they exchange messages within a forward pass.
        broadcast(coin)
        if coin < self.uda_probability:
            return add_noise_patch(inputs, self.uda_sigma)
        return None


def mean_of_processes(scalar: Tensor) -> Tensor:
    """Average a scalar over all processes; alone, return it."""
    scalar = scalar.detach().clone()
    all_reduce(scalar, 'mean')
    return scalar


def kept_ratio(target: DomainBatch) -> Tensor:
    """Share of the pixels whose pseudo label is not void."""
    labels = target.labels()
    return (labels != IGNORE_INDEX).float().mean((1, 2)).mean()
