"""A student that learns from the average of what it has been."""

from functools import partial
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from segda_mm.methods.base import DomainAdaptiveSegmentor
from segda_mm.methods.generator import Scalars, require_pixel_weights
from segda_mm.methods.labeling_pass import labeling_pass
from segda_mm.methods.pseudo_labelers import label_pixels
from segda_mm.methods.steps import (
    DomainBatch,
    Passes,
    add_role,
    adversarial_step,
    deceiving_loss,
    descend,
    is_due,
    labeled_loss,
    pseudo_labeled,
    require_source,
    split_domains,
)
from segda_mm.registry import MODELS


@MODELS.register_module()
class MeanTeacher(DomainAdaptiveSegmentor):
    """A student and a teacher whose weights are the mean of the student's.

    Tarvainen & Valpola, "Mean teachers are better role models", NeurIPS 2017,
    for domain adaptation as in DACS (Tranheden et al., WACV 2021) and DAFormer
    (Hoyer et al., CVPR 2022): the teacher labels every target batch afresh; the
    student learns from the source, and from the target with parts of the source
    pasted into it and its colours changed. Its networks are ``student_generator``,
    which is trained, and ``teacher_generator``, which is not.

    It can do without a source: from images of the target alone a student that starts
    from a trained network learns its teacher's labels and nothing else. ``mixing`` is
    None then.

    Args:
        generator: Config of a ``SegmentorGenerator``; the teacher starts as the
            student.
        mixing: Config of what chooses the source's pixels (``ClassMix``,
            ``CutMix``); None: target images stay as they are.
        pseudo_labeler: Config of what weighs the teacher's labels
            (``ConfidentShare``, ``PixelConfidence``, ``ClassMedian``); the loss is
            the mean over all pixels, also those of weight 0. None: all count alike.
        augmentation: Config of what changes the student's target images
            (``StrongAugmentation``); None: nothing.
        decay: Of the teacher's average, in [0, 1); min(1 - 1 / (step + 1), decay),
            so that the first steps give the plain mean.
        target_loss_weight: Weight of the loss on pseudo labels.
        label_batch_statistics: Whether the teacher's BatchNorm normalises a batch
            that it labels by its own statistics, or by the running ones.
        predict_on: ``'student'`` or ``'teacher'``.
        discriminator: Config of a ``student_discriminator``, which judges what the
            student predicts for target images in which nothing is pasted, as in
            :class:`BiSeNetDA`. That is a pass more where images are mixed. None: none.
        student_adv_weight: Weight of its ``adversarial.loss``.
        adversarial_loss: Config of the loss of domain logits; None:
            ``DomainAdversarialLoss``.
        gradient_ratio_interval: Iterations between two measurements of
            ``student_generator.adversarial.gradient_ratio``.
        data_preprocessor: Config of a ``DomainDataPreprocessor``.
        kwargs: ``masking``, ``masked_loss_weight`` and ``backward_per_pass``, of the
            base class.

    Raises:
        ValueError: ``predict_on`` names no role, or ``decay`` is out of range.
        TypeError: Labels are to be weighed, but not by the decode head's losses.
    """

    ROLES: tuple[str, ...] = ('student', 'teacher')

    def __init__(
        self,
        generator: dict,
        mixing: dict | None,
        pseudo_labeler: dict | None,
        augmentation: dict | None,
        decay: float,
        target_loss_weight: float,
        label_batch_statistics: bool,
        predict_on: str = 'teacher',
        discriminator: dict | None = None,
        student_adv_weight: float = 0.0,
        adversarial_loss: dict | None = None,
        gradient_ratio_interval: int = 50,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(predict_on, data_preprocessor, init_cfg, **kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f'model.decay is {decay}, but must lie in [0, 1)')
        self.student_generator = MODELS.build(generator)
        self.teacher_generator = MODELS.build(generator).requires_grad_(False)
        self.mixing = None if mixing is None else MODELS.build(mixing)
        self.pseudo_labeler = None
        if pseudo_labeler is not None:
            self.pseudo_labeler = MODELS.build(pseudo_labeler)
            require_pixel_weights(self.student_generator.segmentor.decode_head)
        self.augmentation = None if augmentation is None else MODELS.build(augmentation)
        self.student_discriminator = None
        if discriminator is not None:
            self.student_discriminator = MODELS.build(discriminator)
            self.adversarial_loss = MODELS.build(
                adversarial_loss or dict(type='DomainAdversarialLoss')
            )
        self.gradient_ratio_interval = gradient_ratio_interval
        self.decay = decay
        self.loss_weights |= {
            'target.loss': target_loss_weight,
            'adversarial.loss': student_adv_weight,
        }
        self.label_batch_statistics = label_batch_statistics

    def init_weights(self) -> None:
        """Initialise the student, and the teacher as its copy."""
        super().init_weights()
        self.teacher_generator.load_state_dict(self.student_generator.state_dict())

    def train(self, mode: bool = True) -> 'MeanTeacher':
        """Switch the student; the teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher_generator.eval()
        return self

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> Scalars:
        """Label, mix, teach the student, let the teacher follow.

        Raises:
            ValueError: Images to be mixed differ in size.
        """
        source, images = split_domains(self.data_preprocessor(data, True))
        inputs = images.inputs
        labeling = labeling_pass(
            self.teacher_generator, inputs, self.label_batch_statistics
        )
        head: Any = self.teacher_generator.segmentor.decode_head
        confidence, labels, trusted = label_pixels(
            labeling, self.pseudo_labeler, head.threshold
        )
        target = self._mix(source, inputs, labels, trusted.weights)
        judged = self.student_discriminator is not None and self.mixing is not None
        if judged or self.masking is not None:
            target.unmixed = pseudo_labeled(
                self._augmented(inputs), labels, trusted.weights
            )

        target.labeled_by = labeling
        log_vars = self.teach(source, target, optim_wrapper)
        self._update_teacher()
        return {
            **log_vars,
            'pseudo.confidence': confidence.mean(),
            'pseudo.weight': trusted.weights.mean(),
        }

    def teach(
        self,
        source: DomainBatch | None,
        target: DomainBatch,
        optim_wrapper: OptimWrapperDict,
    ) -> Scalars:
        """Update what learns from the labels of a step; terms, and ``loss``."""
        passes = self.passes_to_descend(source, target)
        if self.student_discriminator is None:
            log_vars = add_role(
                'student_generator',
                descend(
                    self.student_generator,
                    optim_wrapper['student_generator'],
                    passes,
                    self.loss_weights,
                ),
            )
        else:
            log_vars = adversarial_step(
                self,
                ('student_generator', 'student_discriminator'),
                optim_wrapper,
                passes,
                self.loss_weights,
                require_source(source, self),
                target.unmixed or target,
                self.adversarial_loss,
                measure_gradients=is_due(self.gradient_ratio_interval),
            )
        return {'loss': log_vars.pop('student_generator.loss'), **log_vars}

    def source_losses(self, source: DomainBatch) -> Scalars:
        """``source.loss``."""
        return {'source.loss': labeled_loss(self.student_generator, source)}

    def target_losses(self, target: DomainBatch) -> Scalars:
        """``target.loss`` on mixed and augmented images."""
        losses = {'target.loss': labeled_loss(self.student_generator, target)}
        if self.student_discriminator is not None and target.unmixed is None:
            losses |= self.judged_losses(target)
        return losses

    def student_passes(self, source: DomainBatch | None, target: DomainBatch) -> Passes:
        """Those of the base class, and one of whole images for the discriminator."""
        passes = list(super().student_passes(source, target))
        if self.student_discriminator is not None and target.unmixed is not None:
            passes.append(partial(self.judged_losses, target.unmixed))
        return passes

    def judged_losses(self, target: DomainBatch) -> Scalars:
        """``adversarial.loss`` of target images."""
        assert self.student_discriminator is not None
        return deceiving_loss(
            self.student_generator,
            self.student_discriminator,
            self.adversarial_loss,
            target,
        )

    @torch.no_grad()
    def _mix(
        self,
        source: DomainBatch | None,
        inputs: Tensor,
        labels: Tensor,
        weights: Tensor,
    ) -> DomainBatch:
        """Target images (N, 3, H, W) as the student sees them, with labels."""
        from_source = None
        if self.mixing is not None:
            if source is None:
                raise ValueError(
                    'model.mixing pastes parts of source images, but '
                    'train_dataloader.dataset has images of the target alone; set '
                    'model.mixing=None'
                )
            if source.inputs.shape != inputs.shape:
                raise ValueError(
                    'MeanTeacher mixes images of one size, but a batch of the '
                    f'source has shape {tuple(source.inputs.shape)} and one of '
                    f'the target {tuple(inputs.shape)}; crop or resize both '
                    'pipelines of train_dataloader alike, or set '
                    'model.mixing=None'
                )
            source_labels = source.labels()
            from_source = self.mixing(source_labels, self.num_classes)
            inputs = torch.where(from_source[:, None], source.inputs, inputs)
            labels = torch.where(from_source, source_labels, labels)
            weights = weights.masked_fill(from_source, 1)
        mixed = pseudo_labeled(self._augmented(inputs), labels, weights)
        mixed.pasted = from_source
        return mixed

    def _augmented(self, inputs: Tensor) -> Tensor:
        if self.augmentation is None:
            return inputs
        preprocessor = self.data_preprocessor
        return self.augmentation(inputs, preprocessor.mean, preprocessor.std)

    @torch.no_grad()
    def _update_teacher(self) -> None:
        step = MessageHub.get_current_instance().get_info('iter', 0) + 1
        decay = min(1 - 1 / (step + 1), self.decay)
        old, new = [], []
        students = self.student_generator.state_dict()
        for name, value in self.teacher_generator.state_dict().items():
            if value.is_floating_point():
                old.append(value)
                new.append(students[name])
            else:
                # Counters, as that of BatchNorm.
                value.copy_(students[name])
        torch._foreach_lerp_(old, new, 1 - decay)
