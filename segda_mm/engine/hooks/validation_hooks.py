"""Figures on images of their own that hooks add to each validation."""

from abc import ABC, abstractmethod

import torch
from mmengine.dist import all_reduce
from mmengine.evaluator import Evaluator
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

    The figures are logged as MMEngine logs its metrics, ``val/<name>``, and
    ``save_best`` of the checkpoint hook can choose by them. They are the same
    in all processes. The model returns to the mode it was in, and training draws
    the random numbers it would have drawn without the hook.

    A subclass implements :meth:`check` and :meth:`measure`.

    Args:
        dataloader: Config of a data loader over the images, with the pipeline of
            the evaluation. Its sampler is set by the hook: each image once,
            shared out to the processes.

    Raises:
        ValueError: Before training: it has no validation to come after.
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
                'training has none: set val_dataloader, val_cfg and val_evaluator, '
                'for instance on held-out source images, or take the hook out of '
                'custom_hooks'
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
        """Refuse what cannot be measured.

        Args:
            network: The model.
            sample: The first one of the data loader's data set.
        """

    @abstractmethod
    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Run the model, which is in evaluation mode, on all images.

        Args:
            runner: Of the training or the validation.
            dataloader: Gives this process its share of the images.

        Returns:
            Figures of the images of all processes, by name.
        """


@HOOKS.register_module()
class SourceValidationHook(AfterValidationHook):
    """Evaluate held-out labelled images of the source.

    Adds every figure of the evaluator to the metrics of each validation, with
    the prefix ``source_``: ``source_mIoU``, ``source_aAcc`` and so on.

    Args:
        dataloader: Config of a data loader over labelled source images that are
            not trained on; see :class:`AfterValidationHook`.
        evaluator: Config of one metric or a list of them, as ``val_evaluator``.

    Raises:
        ValueError: Before training: it has no validation, or the images have no
            labels.
    """

    def __init__(self, dataloader: dict, evaluator: dict | list[dict]) -> None:
        super().__init__(dataloader)
        self._evaluator_cfg = evaluator
        self._evaluator: Evaluator | None = None

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

    Adds to the metrics of each validation, for C classes:

    - ``target_entropy``: mean over the pixels of the entropy of their class
      probabilities, divided by log(C); in [0, 1], lower is better.
    - ``target_diversity``: entropy of the mean of all class probabilities,
      divided by log(C); in [0, 1]. A network that has collapsed, and sees one
      class everywhere, has the best of entropies and a low diversity: look at
      both.
    - ``target_information``: diversity minus entropy, greater is better; what a
      pixel's image tells about its class, as a share of log(C). It cannot be
      good for a collapsed network. Bridle, Heading & MacKay, "Unsupervised
      classifiers, mutual information and 'phantom targets'", NIPS 4, 1992.

    With ``save_best='target_entropy'`` and ``rule='less'``, or
    ``save_best='target_information'`` and ``rule='greater'``, the checkpoint
    hook chooses without any target label. Low entropy was used so by Morerio et
    al., "Minimal-entropy correlation alignment", ICLR 2018. None of the figures
    knows what is correct: see ``docs/choosing_checkpoints.md``.

    Args:
        dataloader: Config of a data loader over the target images, as
            ``UnlabeledImageDataset``; see :class:`AfterValidationHook`.

    Raises:
        ValueError: Before training: it has no validation, or the network has
            one output channel, whose sigmoid is no distribution over classes.
    """

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse a network without class probabilities."""
        if network.out_channels < 2:
            raise ValueError(
                'TargetEntropyHook needs the probabilities of two classes or '
                'more, but decode_head.out_channels is '
                f'{network.out_channels}; set it to num_classes'
            )

    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Predict all images."""
        network = unwrapped(runner.model)
        sums = torch.zeros(
            network.out_channels + 2,
            dtype=torch.float64,
            device=next(network.parameters()).device,
        )
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
            ``UnlabeledImageDataset``; see :class:`AfterValidationHook`.

    Raises:
        ValueError: Before training: it has no validation, or the model lacks a
            ``teacher_generator`` or a ``student_generator``.
    """

    _CHILDREN = ('teacher_generator', 'student_generator')

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse a model without teacher and student."""
        missing = [name for name in self._CHILDREN if not hasattr(network, name)]
        if missing:
            raise ValueError(
                'TeacherStudentAgreementHook compares '
                f'{" and ".join(self._CHILDREN)} of the model, but model.type='
                f'{type(network).__name__!r} has no {" and no ".join(missing)}; '
                'use MetaPseudoLabels or MeanTeacher, or take the hook '
                'out of custom_hooks'
            )

    def measure(self, runner: Runner, dataloader: DataLoader) -> dict[str, float]:
        """Predict all images twice."""
        network = unwrapped(runner.model)
        teacher, student = (getattr(network, name).segmentor for name in self._CHILDREN)
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
