"""Hooks: side effects at a known moment of training."""
from segda_mm.engine.hooks.adversarial_health_hook import AdversarialHealthHook
from segda_mm.engine.hooks.channels_last_hook import ChannelsLastHook
from segda_mm.engine.hooks.finite_loss_hook import FiniteLossHook, NonFiniteLossError
from segda_mm.engine.hooks.head_accuracy_hook import HeadAccuracyHook
from segda_mm.engine.hooks.median_threshold_pseudo_label_hook import (
    MedianThresholdPseudoLabelHook,
)
from segda_mm.engine.hooks.plain_checkpoint_hook import PlainCheckpointHook
from segda_mm.engine.hooks.safe_checkpoint_hook import SafeCheckpointHook

__all__ = [
    'AdversarialHealthHook', 'ChannelsLastHook', 'FiniteLossHook',
    'HeadAccuracyHook', 'MedianThresholdPseudoLabelHook', 'NonFiniteLossError',
    'PlainCheckpointHook', 'SafeCheckpointHook'
]
