"""Meta Pseudo Labels: a teacher that learns from how its student fares."""

from contextlib import nullcontext

import torch
from mmengine.dist import all_reduce, broadcast
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import PixelData
from mmseg.models import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from segda_mm.methods.base import DomainAdaptiveSegmentor
from segda_mm.methods.feedback import StudentReport
from segda_mm.methods.generator import (
    GeneratorResult,
    SegmentorGenerator,
    has_plain_losses,
)
from segda_mm.methods.steps import (
    DomainBatch,
    add_role,
    batch_statistics,
    discriminator_step,
    evaluating,
    generator_step,
    is_due,
    sum_losses,
)
from segda_mm.ops.class_probabilities import class_probabilities
from segda_mm.ops.noise_patch import add_noise_patch
from segda_mm.ops.pseudo_labels import (
    IGNORE_INDEX,
    mask_low_confidence,
    median_thresholds,
)
from segda_mm.registry import FEEDBACK_RULES, MODELS

ROLES = ('student', 'teacher')


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
        threshold_cap: Upper limit of the class thresholds.
        threshold_scope: ``'image'`` or ``'batch'`` (of one process).
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
    """

    def __init__(
        self,
        generator: dict,
        discriminator: dict,
        feedback_rule: dict,
        student_adv_weight: float,
        teacher_adv_weight: float,
        threshold_cap: float,
        threshold_scope: str,
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
        super().__init__(data_preprocessor, init_cfg)
        if predict_on not in ROLES:
            raise ValueError(
                f'model.predict_on is {predict_on!r}, but must be one of {ROLES}'
            )
        self.student_generator = MODELS.build(
            {**generator, **(student_checkpoint or {})}
        )
        self.student_discriminator = MODELS.build(discriminator)
        self.teacher_generator = MODELS.build(
            {**generator, **(teacher_checkpoint or {})}
        )
        self.teacher_discriminator = MODELS.build(discriminator)
        self.feedback_rule = FEEDBACK_RULES.build(feedback_rule)
        self.adversarial_loss = MODELS.build(
            adversarial_loss or dict(type='DomainAdversarialLoss')
        )
        self.student_adv_weight = student_adv_weight
        self.teacher_adv_weight = teacher_adv_weight
        self.threshold_cap = threshold_cap
        self.threshold_scope = threshold_scope
        self.label_batch_statistics = label_batch_statistics
        self.uda_probability = uda_probability
        self.uda_sigma = uda_sigma
        self.predict_on = predict_on
        self.gradient_ratio_interval = gradient_ratio_interval
        self.epoch, self.max_epochs = 0, 1

    @property
    def deployed(self) -> BaseSegmentor:
        """The segmentor of the role that ``predict_on`` names."""
        if self.predict_on == 'teacher':
            return self.teacher_generator.segmentor
        return self.student_generator.segmentor

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

        measure_gradients = is_due(self.gradient_ratio_interval)
        labeled_loss_before = self._labeled_loss(source, optim_wrapper)
        student = generator_step(
            self.student_generator,
            self.student_discriminator,
            optim_wrapper['student_generator'],
            source,
            target,
            self.adversarial_loss,
            self.student_adv_weight,
            measure_gradients=measure_gradients,
        )
        student_discriminated = discriminator_step(
            self.student_discriminator,
            optim_wrapper['student_discriminator'],
            student.source_logits,
            student.target_logits,
            self.adversarial_loss,
        )

        feedback = self.feedback_rule(
            StudentReport(
                source_loss=mean_of_processes(student.source_loss),
                target_loss=mean_of_processes(student.target_loss),
                labeled_loss_before=labeled_loss_before,
                labeled_loss_after=self._labeled_loss(source, optim_wrapper),
                learning_rate=optim_wrapper['student_generator'].get_lr()['lr'][0],
                epoch=self.epoch,
                max_epochs=self.max_epochs,
            )
        )
        teacher = generator_step(
            self.teacher_generator,
            self.teacher_discriminator,
            optim_wrapper['teacher_generator'],
            source,
            target,
            self.adversarial_loss,
            self.teacher_adv_weight,
            target_weight=feedback['h'],
            uda_inputs=self._uda_view(target.inputs),
            target_result=teacher_result,
            measure_gradients=measure_gradients,
        )
        teacher_discriminated = discriminator_step(
            self.teacher_discriminator,
            optim_wrapper['teacher_discriminator'],
            teacher.source_logits,
            teacher.target_logits,
            self.adversarial_loss,
        )

        return {
            'loss': student.log_vars['loss'],
            **add_role('student_generator', student.log_vars),
            **add_role('student_discriminator', student_discriminated),
            **add_role('teacher_generator', teacher.log_vars),
            **add_role('teacher_discriminator', teacher_discriminated),
            **add_role('mpl', feedback),
            'pseudo.kept_ratio': kept_ratio(target),
        }

    def label_target(
        self, inputs: Tensor, optim_wrapper: OptimWrapper
    ) -> tuple[DomainBatch, GeneratorResult | None]:
        """Pseudo labels of the current teacher.

        Where labels are made with the statistics of the batch, as the teacher
        learns with them, it learns from the very pass that made its labels;
        only a decode head with dropout runs again without it. Its graph lives
        through the student's step, whose own two are no more than the three of
        the teacher's step.

        Args:
            inputs: Normalised target images, shape (N, 3, H, W).
            optim_wrapper: The teacher's, for its precision.

        Returns:
            The same images with their pseudo labels; pixels under their
            class's median threshold are void. And the teacher's pass, for its
            step; None if it has to make one of its own, because this one was
            in evaluation mode, and the teacher is left as it was.
        """
        teacher = self.teacher_generator
        head = teacher.segmentor.decode_head
        result = None
        with optim_wrapper.optim_context(teacher):
            if self.label_batch_statistics and learns_as_it_labels(teacher):
                result = labeling = teacher.infer(inputs)
                if is_random(head):
                    with (
                        torch.no_grad(),
                        evaluating(head.modules()),
                        batch_statistics(head),
                    ):
                        labeling = teacher.decode_again(result)
            else:
                statistics = (
                    batch_statistics(teacher)
                    if self.label_batch_statistics
                    else nullcontext()
                )
                with torch.no_grad(), evaluating(teacher.modules()), statistics:
                    labeling = teacher.infer(inputs)
        return self._label(inputs, labeling.logits.detach()), result

    def _label(self, inputs: Tensor, logits: Tensor) -> DomainBatch:
        """Images with the labels of logits (N, C, H, W) without a graph."""
        confidence, labels = class_probabilities(logits.float()).max(1)
        thresholds = median_thresholds(
            confidence,
            labels,
            self.num_classes,
            self.threshold_cap,
            self.threshold_scope,
        )
        labels = mask_low_confidence(labels, confidence, thresholds)
        return DomainBatch(
            inputs,
            [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels],
        )

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
            losses, _ = generator(*source)
        return mean_of_processes(sum_losses(losses))

    def _uda_view(self, inputs: Tensor) -> Tensor | None:
        coin = torch.rand(())
        # All processes alike: they exchange messages within a forward pass.
        broadcast(coin)
        if coin < self.uda_probability:
            return add_noise_patch(inputs, self.uda_sigma)
        return None


def is_random(network: nn.Module) -> bool:
    """Whether a network drops something at random in training mode."""
    return any(
        'drop' in type(module).__name__.lower()
        and getattr(module, 'p', 1)
        and getattr(module, 'drop_prob', 1)
        and getattr(module, 'survival', 0) < 1
        for module in network.modules()
    )


def learns_as_it_labels(generator: SegmentorGenerator) -> bool:
    """Whether only the decode head may differ between training and labelling.

    Not where the backbone drops something at random, nor where backbone and
    head have further outputs in training mode, which heads with losses of
    their own tell.
    """
    segmentor = generator.segmentor
    before_head = [segmentor.backbone]
    if segmentor.with_neck:
        before_head.append(segmentor.neck)
    return has_plain_losses(segmentor.decode_head) and not any(
        map(is_random, before_head)
    )


def mean_of_processes(scalar: Tensor) -> Tensor:
    """Average a scalar over all processes; alone, return it."""
    scalar = scalar.detach().clone()
    all_reduce(scalar, 'mean')
    return scalar


def kept_ratio(target: DomainBatch) -> Tensor:
    """Share of the pixels whose pseudo label is not void."""
    return torch.stack(
        [
            (sample.gt_sem_seg.data != IGNORE_INDEX).float().mean()
            for sample in target.data_samples
        ]
    ).mean()
