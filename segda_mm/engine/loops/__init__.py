"""Training loops: when a batch is drawn and a step is run."""

from segda_mm.engine.loops.mpl_train_loop import MPLTrainLoop
from segda_mm.engine.loops.no_step_loop import NoStepLoop
from segda_mm.engine.loops.resumable_epoch_train_loop import ResumableEpochTrainLoop

__all__ = ['MPLTrainLoop', 'NoStepLoop', 'ResumableEpochTrainLoop']
