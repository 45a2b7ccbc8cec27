"""The loop of Meta Pseudo Labels."""

from collections.abc import Sequence

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.loops.resumable_epoch_train_loop import ResumableEpochTrainLoop
from segda_mm.registry import LOOPS


@LOOPS.register_module()
class MPLTrainLoop(ResumableEpochTrainLoop):
    """Train by epochs and tell the model how far training is.

    The weight of the teacher's feedback grows with the epoch. One batch holds
    source and target samples (``DomainPairDataset``), and one step of the model
    updates student and teacher. The model has ``set_progress(epoch, max_epochs)``.
    """

    tells_progress = True

    def run_iter(self, idx: int, data_batch: Sequence[dict] | dict) -> None:
        """Hand the number of completed epochs to the model, then step."""
        unwrapped(self.runner.model).set_progress(self._epoch, self._max_epochs)
        super().run_iter(idx, data_batch)
