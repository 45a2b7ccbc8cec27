# A trained network takes the BatchNorm statistics of the target; no weight is trained.
# A run config gives what tent.py asks for, an epoch of NoStepLoop, and the images:
# custom_hooks[-1].dataloader.
_base_ = './tent.py'
custom_hooks = [dict(type='AdaptiveBatchNormHook')]
miniature_config = 'batch-norm_bisenetv1-lite0_minicity-128x256'
