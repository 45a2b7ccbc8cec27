"""The loop of what adapts a network without training it."""

from segda_mm.engine.loops.resumable_epoch_train_loop import ResumableEpochTrainLoop
from segda_mm.registry import LOOPS


@LOOPS.register_module()
class NoStepLoop(ResumableEpochTrainLoop):
    """Epochs without a step: hooks do the work, as ``AdaptiveBatchNormHook``.

    Weights stay as they are. Checkpoints and validation come as after a training.
    """

    def run_epoch(self) -> None:
        """Begin and end an epoch."""
        self.runner.call_hook('before_train_epoch')
        # By its steps an epoch is known to be over.
        self._iter += len(self.dataloader)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
