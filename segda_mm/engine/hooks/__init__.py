"""Hooks: side effects at a known moment of training."""

from segda_mm.engine.hooks.adaptive_batch_norm_hook import AdaptiveBatchNormHook
from segda_mm.engine.hooks.adversarial_health_hook import AdversarialHealthHook
from segda_mm.engine.hooks.after_validation_hook import AfterValidationHook
from segda_mm.engine.hooks.channels_last_hook import ChannelsLastHook
from segda_mm.engine.hooks.finite_loss_hook import FiniteLossHook
from segda_mm.engine.hooks.head_accuracy_hook import HeadAccuracyHook
from segda_mm.engine.hooks.plain_checkpoint_hook import PlainCheckpointHook
from segda_mm.engine.hooks.safe_checkpoint_hook import SafeCheckpointHook
from segda_mm.engine.hooks.source_validation_hook import SourceValidationHook
from segda_mm.engine.hooks.target_entropy_hook import TargetEntropyHook
from segda_mm.engine.hooks.teacher_student_agreement_hook import (
    TeacherStudentAgreementHook,
)
from segda_mm.errors import NonFiniteLossError

__all__ = [
    'AdaptiveBatchNormHook',
    'AdversarialHealthHook',
    'AfterValidationHook',
    'ChannelsLastHook',
    'FiniteLossHook',
    'HeadAccuracyHook',
    'NonFiniteLossError',
    'PlainCheckpointHook',
    'SafeCheckpointHook',
    'SourceValidationHook',
    'TargetEntropyHook',
    'TeacherStudentAgreementHook',
]
