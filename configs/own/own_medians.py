# Your trained network learns from class-median pseudo labels of its own. It needs no
# source.
_base_ = ['../_base_/own_data.py', '../_base_/methods/own_medians.py']
recipe = dict(
    name='own_medians',
    after='source_only',
    needs_init=True,
    source_free=True,
    target_alone=True,
)
rate_factor = 0.5
optim_wrapper = dict(
    generator=dict(
        optimizer=dict(_delete_=True, type='AdamW', weight_decay=0.01, fused=True)
    )
)
