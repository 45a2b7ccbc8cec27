# Your trained network takes the BatchNorm statistics of the target, in one pass over it;
# nothing is trained. It needs no source.
_base_ = ['../_base_/own_data.py', '../_base_/methods/batch_norm.py']
recipe = dict(
    name='batch_norm',
    after='source_only',
    needs_init=True,
    source_free=True,
    target_alone=True,
    # However many the file asks for.
    epochs=1,
)
train_cfg = dict(type='NoStepLoop')
param_scheduler = []
custom_hooks = _base_.custom_hooks
custom_hooks[-1].dataloader = dict(num_workers=0)
