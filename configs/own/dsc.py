# A depthwise separable discriminator makes predictions on your target look as those
# on your source.
_base_ = ['../_base_/own_data.py', '../_base_/methods/adversarial.py']
recipe = dict(name='dsc', after='source_only')
optim_wrapper = dict(
    generator=dict(
        optimizer=dict(_delete_=True, type='AdamW', weight_decay=0.01, fused=True)
    )
)
