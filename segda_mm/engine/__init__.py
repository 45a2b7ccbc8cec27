"""How training runs: loops, samplers, hooks, optimizers, processes."""

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.engine.hooks import AdversarialHealthHook
from segda_mm.engine.loops import MPLTrainLoop, ResumableEpochTrainLoop
from segda_mm.engine.model_wrapper import PassThroughDistributed
from segda_mm.engine.optimizers import GradientAveragingOptimWrapper
from segda_mm.engine.runner import AdaptationRunner

__all__ = [
    'AdaptationRunner',
    'AdversarialHealthHook',
    'GradientAveragingOptimWrapper',
    'MPLTrainLoop',
    'PassThroughDistributed',
    'ResumableEpochTrainLoop',
    'initialize_process_group',
]
