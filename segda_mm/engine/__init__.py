"""How training runs: loops, samplers, hooks, optimizers, processes."""

from segda_mm.engine.distributed import initialize_process_group
from segda_mm.engine.hooks import (
    AdaptiveBatchNormHook,
    AdversarialHealthHook,
    PlainCheckpointHook,
    SourceValidationHook,
    TargetEntropyHook,
    TeacherStudentAgreementHook,
)
from segda_mm.engine.loops import MPLTrainLoop, ResumableEpochTrainLoop
from segda_mm.engine.model_wrapper import PassThroughDistributed
from segda_mm.engine.optimizers import (
    ChildOptimWrapperConstructor,
    GradientAveragingAmpOptimWrapper,
    GradientAveragingBFloat16OptimWrapper,
    GradientAveragingOptimWrapper,
)
from segda_mm.engine.runner import AdaptationRunner
from segda_mm.engine.sampler import ResumableSampler

__all__ = [
    'AdaptationRunner',
    'AdaptiveBatchNormHook',
    'AdversarialHealthHook',
    'ChildOptimWrapperConstructor',
    'GradientAveragingAmpOptimWrapper',
    'GradientAveragingBFloat16OptimWrapper',
    'GradientAveragingOptimWrapper',
    'MPLTrainLoop',
    'PassThroughDistributed',
    'PlainCheckpointHook',
    'ResumableEpochTrainLoop',
    'ResumableSampler',
    'SourceValidationHook',
    'TargetEntropyHook',
    'TeacherStudentAgreementHook',
    'initialize_process_group',
]
