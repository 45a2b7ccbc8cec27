"""Whether teacher and student see the same in target images."""

import torch
from mmengine.dist import all_reduce
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.engine.hooks.after_validation_hook import (
    AfterValidationHook,
    unwrapped,
)
from segda_mm.ops.metrics import count_pairs, prediction_agreement
from segda_mm.registry import HOOKS

_CHILDREN = ('teacher_generator', 'student_generator')


@HOOKS.register_module()
class TeacherStudentAgreementHook(AfterValidationHook):
    """Compare what teacher and student predict for unlabelled images.

    Adds to the metrics of each validation:

    - ``teacher_student_agreement``: share of the pixels to which both give the
      same class; in [0, 1], greater is better.
    - ``teacher_student_mIoU``: mean, over the classes that either predicts, of
      the intersection over union of both, in percent. All classes count alike,
      so that a dominating one cannot hide that the others differ.

    Both can be high because student and teacher err alike, most of all where one
    is an average of the other; see ``docs/choosing_checkpoints.md``.

    Args:
        dataloader: Config of a data loader over the target images, as
            ``UnlabeledImageDataset`` with the pipeline of the evaluation. Its
            sampler is set by the hook.

    Raises:
        ValueError: Before training: it has no validation, or the model lacks a
            ``teacher_generator`` or a ``student_generator``.
    """

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse a model without teacher and student."""
        missing = [name for name in _CHILDREN if not hasattr(network, name)]
        if missing:
            raise ValueError(
                'TeacherStudentAgreementHook compares '
                f'{" and ".join(_CHILDREN)} of the model, but model.type='
                f'{type(network).__name__!r} has no {" and no ".join(missing)}; '
                'use MetaPseudoLabels or MeanTeacher, or take the hook '
                'out of custom_hooks'
            )

    def measure(self, runner, dataloader: DataLoader) -> dict[str, float]:
        """Predict all images twice; see the class."""
        network = unwrapped(runner.model)
        teacher, student = (getattr(network, name).segmentor for name in _CHILDREN)
        num_classes = network.num_classes
        pairs = torch.zeros(
            num_classes,
            num_classes,
            dtype=torch.int64,
            device=next(network.parameters()).device,
        )
        for batch in dataloader:
            batch = network.data_preprocessor(batch, False)
            # Both write into the same samples, one after the other.
            of_teacher, of_student = (
                [sample.pred_sem_seg.data for sample in segmentor.predict(**batch)]
                for segmentor in (teacher, student)
            )
            for first, second in zip(of_teacher, of_student):
                pairs += count_pairs(first, second, num_classes)
        all_reduce(pairs)
        agreement = prediction_agreement(pairs)
        return dict(
            teacher_student_agreement=agreement.share,
            teacher_student_mIoU=100 * agreement.mean_iou,
        )
