"""Hooks: side effects at a known moment of training."""

from segda_mm.engine.hooks.adaptive_batch_norm_hook import AdaptiveBatchNormHook
from segda_mm.engine.hooks.adversarial_health_hook import AdversarialHealthHook
from segda_mm.engine.hooks.checkpoint_hooks import SafeCheckpointHook
from segda_mm.engine.hooks.class_weight_hook import ClassWeightHook
from segda_mm.engine.hooks.finite_loss_hook import FiniteLossHook
from segda_mm.engine.hooks.speed_hooks import (
    ChannelsLastHook,
    HeadAccuracyHook,
)
from segda_mm.engine.hooks.validation_hooks import TargetEntropyHook
from segda_mm.engine.hooks.visualization_hook import SegVisualizationHook

__all__ = [
    'AdaptiveBatchNormHook',
    'AdversarialHealthHook',
    'ChannelsLastHook',
    'ClassWeightHook',
    'FiniteLossHook',
    'HeadAccuracyHook',
    'SafeCheckpointHook',
    'SegVisualizationHook',
    'TargetEntropyHook',
]
