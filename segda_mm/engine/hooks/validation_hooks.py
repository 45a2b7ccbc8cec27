"""Figures on images of their own that hooks add to each validation."""

from abc import ABC, abstractmethod

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.image_pass import build_image_loader, undisturbed
from segda_mm.ops.metrics import (
    count_pairs,
    prediction_agreement,
    prediction_entropy,
    prediction_sums,
)
from segda_mm.registry import HOOKS


class AfterValidationHook(Hook, ABC):
    """Add figures on further images to the metrics of each validation.

    They are logged as ``val/<name>``, and ``save_best`` can choose by them. The
    training is as without the hook. A subclass implements :meth:`check` and
    :meth:`measure`.

    Args:
        dataloader: Config of a data loader over the images, with the pipeline of the
            evaluation. Its sampler is set by the hook.
    """

    # Before RuntimeInfoHook, which hands the metrics to the log, EMAHook, which
    # takes the averaged weights away, and CheckpointHook, which chooses.
    priority = 'HIGHEST'

    def __init__(self, dataloader: dict) -> None:
        self._dataloader_cfg = dataloader
        self._dataloader: DataLoader | None = None

    def before_train(self, runner: Runner) -> None:
        """Build the data loader and try it, while nothing is lost yet."""
        if runner.val_loop is None:
            raise ValueError(
                f'{type(self).__name__} measures after each validation, but this '
                'training has none: set val_dataloader, val_cfg and val_evaluator, or '
                'take the hook out of custom_hooks'
            )
        self.prepare(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Measure, and add the figures to the metrics, in place."""
        # A validation of its own, without a training around it.
        if self._dataloader is None:
            self.prepare(runner)
        with undisturbed(runner.model):
            metrics.update(self.measure(runner, self._dataloader))

    def prepare(self, runner: Runner) -> None:
        """Build what :meth:`measure` needs, and :meth:`check`."""
        self._dataloader, sample = build_image_loader(
            runner, self._dataloader_cfg, type(self).__name__
        )
        self.check(unwrapped(runner.model), sample)

    @abstractmethod
    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse a model, or a first image, that cannot be measured."""

    @abstractmethod
    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Figures, by name, of the images of all processes."""


@HOOKS.register_module()
class SourceValidationHook(AfterValidationHook):
    """Evaluate held-out labelled images of the source.

    Adds the figures of an evaluator, as ``source_mIoU``.

    Args:
        dataloader: As of :class:`AfterValidationHook`, of images not trained on.
        evaluator: Config of one metric or a list of them, as ``val_evaluator``.
    """

    def __init__(self, dataloader: dict, evaluator: dict | list[dict]) -> None:
        super().__init__(dataloader)
        self._evaluator_cfg = evaluator

    def prepare(self, runner: Runner) -> None:
        """Build evaluator and data loader."""
        self._evaluator = runner.build_evaluator(self._evaluator_cfg)
        super().prepare(runner)
        self._evaluator.dataset_meta = self._dataloader.dataset.metainfo

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse images without labels."""
        names = sample['data_samples'].all_keys()
        if not any(name.startswith('gt_') for name in names):
            raise ValueError(
                'SourceValidationHook.dataloader gives images without labels; '
                'put LoadLabelIds or LoadAnnotations into the pipeline of its '
                'dataset, before PackSegInputs'
            )

    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Evaluate all images."""
        for batch in dataloader:
            self._evaluator.process(
                data_samples=runner.model.val_step(batch), data_batch=batch
            )
        figures = self._evaluator.evaluate(len(dataloader.dataset))
        return {f'source_{name}': value for name, value in figures.items()}


@HOOKS.register_module()
class TargetEntropyHook(AfterValidationHook):
    """Measure how sure the deployed network is of target images.

    Adds, for C classes, in units of log(C):

    - ``target_entropy``: mean entropy of the class probabilities of a pixel, lower is
      better. Morerio et al., "Minimal-entropy correlation alignment", ICLR 2018.
    - ``target_diversity``: entropy of the mean of all class probabilities; low for a
      network that has collapsed, and sees one class everywhere.
    - ``target_information``: diversity minus entropy, greater is better. Bridle,
      Heading & MacKay, "Unsupervised classifiers, mutual information and 'phantom
      targets'", NIPS 4, 1992.

    What they cannot tell: ``docs/choosing_checkpoints.md``.
    """

    def check(self, network: nn.Module, sample: dict) -> None:
        """Any network with class probabilities will do."""

    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Predict all images."""
        network = unwrapped(runner.model)
        device = next(network.parameters()).device
        sums = torch.zeros(network.num_classes + 2, dtype=torch.float64, device=device)
        for batch in dataloader:
            for sample in runner.model.test_step(batch):
                sums += prediction_sums(sample.seg_logits.data)
        all_reduce(sums)
        entropy, diversity = prediction_entropy(sums)
        return dict(
            target_entropy=entropy,
            target_diversity=diversity,
            target_information=diversity - entropy,
        )


@HOOKS.register_module()
class TeacherStudentAgreementHook(AfterValidationHook):
    """Compare what teacher and student predict for unlabelled images.

    Adds ``teacher_student_agreement``, the share of the pixels to which both give the
    same class, and ``teacher_student_mIoU``, in percent, the mean over the classes that
    either predicts of the intersection over union of both. The model needs the children
    ``teacher_generator`` and ``student_generator``. See
    ``docs/choosing_checkpoints.md``.
    """

    _CHILDREN = ('teacher_generator', 'student_generator')

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse a model without teacher and student."""
        missing = [name for name in self._CHILDREN if not hasattr(network, name)]
        if missing:
            raise ValueError(
                f'{type(self).__name__} compares {" and ".join(self._CHILDREN)} of the '
                f'model, but model.type={type(network).__name__!r} has no '
                f'{" and no ".join(missing)}; use MetaPseudoLabels or MeanTeacher, or '
                'take the hook out of custom_hooks'
            )

    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Predict all images twice."""
        network = unwrapped(runner.model)
        teacher, student = (getattr(network, name).segmentor for name in self._CHILDREN)
        classes, device = network.num_classes, next(network.parameters()).device
        pairs = torch.zeros(classes, classes, dtype=torch.int64, device=device)
        for batch in dataloader:
            batch = network.data_preprocessor(batch, False)
            # Both write into the same samples, one after the other.
            of_teacher, of_student = (
                [sample.pred_sem_seg.data for sample in segmentor.predict(**batch)]
                for segmentor in (teacher, student)
            )
            for first, second in zip(of_teacher, of_student):
                pairs += count_pairs(first, second, classes)
        all_reduce(pairs)
        agreement = prediction_agreement(pairs)
        return dict(
            teacher_student_agreement=agreement.share,
            teacher_student_mIoU=100 * agreement.mean_iou,
        )
