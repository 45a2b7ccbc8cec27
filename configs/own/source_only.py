# Trained on your labelled images alone: what the other recipes start from.
_base_ = ['../_base_/own_data.py', '../_base_/methods/supervised.py']
recipe = dict(name='source_only')
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', weight_decay=0.01, fused=True)
)
