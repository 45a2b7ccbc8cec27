"""The loop of Meta Pseudo Labels."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.loops.resumable_epoch_train_loop import ResumableEpochTrainLoop
from segda_mm.registry import LOOPS


@LOOPS.register_module()
class MPLTrainLoop(ResumableEpochTrainLoop):
    """Train by epochs and tell the model how far training is.

    The weight of the teacher's feedback grows with the epoch; the model cannot
    know it. One batch holds source and target samples (``DomainPairDataset``),
    and one step of the model updates student and teacher.

    Args:
        *args: See :class:`ResumableEpochTrainLoop`.
        **kwargs: See :class:`ResumableEpochTrainLoop`.

    Raises:
        TypeError: The model has no ``set_progress(epoch, max_epochs)``.
    """

    tells_progress = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._network: nn.Module = unwrapped(self.runner.model)
        if not hasattr(self._network, 'set_progress'):
            raise TypeError(
                "train_cfg.type is 'MPLTrainLoop', but the model "
                f'{type(self._network).__name__} has no `set_progress`; use '
                "model.type='MetaPseudoLabels', or "
                "train_cfg.type='ResumableEpochTrainLoop'"
            )

    def run_iter(self, idx: int, data_batch: Sequence[dict] | dict) -> None:
        """Hand the number of completed epochs to the model, then step."""
        self._network.set_progress(self._epoch, self._max_epochs)
        super().run_iter(idx, data_batch)
