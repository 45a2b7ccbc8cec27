# The paper's form: labels by the adapted network, and a student that starts afresh.
_base_ = './pseudo-label-dsc_bisenetv1-r18_minicity-128x256.py'
custom_hooks = _base_.custom_hooks
custom_hooks[-1].update(
    checkpoint=_base_.model.generator.checkpoint,
    checkpoint_prefix=_base_.model.generator.checkpoint_prefix,
)
model = dict(generator=dict(checkpoint=None))
