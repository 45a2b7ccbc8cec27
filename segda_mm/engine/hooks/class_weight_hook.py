"""Weights of classes in the losses, from how often the labels show them."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.losses import CrossEntropyLoss
from torch import nn

from segda_mm.datasets.class_counts import count_classes, labelled_sets
from segda_mm.engine.distributed import unwrapped
from segda_mm.ops.class_weights import class_weights
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class ClassWeightHook(Hook):
    """Let rare classes weigh more in every loss that takes ``class_weight``.

    A class with a share f of the labelled pixels weighs f^-power, times a factor for
    which a pixel weighs 1 in the mean; at most ``cap``. One without a pixel weighs 1.
    The labels of the source are counted when training begins. A loss whose config gives
    ``class_weight`` keeps it, and so do losses with a sigmoid.

    Args:
        power: In [0, 1]; 0: all pixels weigh the same, 1: all classes together do.
        cap: Largest weight, at least 1.
        statistics_file: JSON file in which the counts are kept for the next run,
            relative to the working directory. None counts in every run.

    Raises:
        ValueError: If the training data have no labels or no classes, or a loss is
            one that cannot be weighed.
    """

    def __init__(
        self,
        power: float = 0.5,
        cap: float = 5.0,
        statistics_file: str | None = None,
    ) -> None:
        if not 0 <= power <= 1:
            raise ValueError(f'ClassWeightHook.power is {power}, but must be in [0, 1]')
        if not cap >= 1:
            raise ValueError(f'ClassWeightHook.cap is {cap}, but must be at least 1')
        self.power = power
        self.cap = cap
        self.statistics_file = statistics_file

    def before_train(self, runner: Runner) -> None:
        """Count the labels, and put the weights into the losses."""
        losses = [
            loss for loss in unwrapped(runner.model).modules() if _is_unweighted(loss)
        ]
        if not losses:
            runner.logger.warning(
                'ClassWeightHook: no loss of model takes class_weight, or all have it '
                'already'
            )
            return
        if any(type(x) is CrossEntropyLoss and x.avg_non_ignore for x in losses):
            raise ValueError(
                'ClassWeightHook: CrossEntropyLoss with avg_non_ignore=True fails with '
                "class weights where pixels are void; use type='PixelCrossEntropyLoss'"
            )
        dataset = runner.train_dataloader.dataset
        key = 'train_dataloader.dataset'
        names = dataset.metainfo.get('classes')
        if not names:
            raise ValueError(f'ClassWeightHook: {key} has no classes in metainfo=')
        # Around the labelled set: of pairs, of seeds, of what is drawn more often.
        while True:
            if hasattr(dataset, 'source'):
                dataset, key = dataset.source, f'{key}.source'
            elif not hasattr(dataset, 'pipeline') and hasattr(dataset, 'dataset'):
                dataset, key = dataset.dataset, f'{key}.dataset'
            else:
                break
        sets = labelled_sets(dataset, key)
        pixels = count_classes(sets, len(names), self.statistics_file)
        weights = class_weights(pixels[:, :-1].sum(0), self.power, self.cap)
        for loss in losses:
            loss.class_weight = weights.tolist()
        told = ', '.join(f'{n} {w:.2f}' for n, w in zip(names, weights, strict=True))
        runner.logger.info(f'Classes weigh in the losses: {told}')


def _is_unweighted(loss: nn.Module) -> bool:
    return getattr(loss, 'class_weight', 0) is None and not getattr(
        loss, 'use_sigmoid', False
    )
