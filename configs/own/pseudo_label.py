# Adversarial adaptation that goes on with class-median pseudo labels of its own.
_base_ = ['../_base_/own_data.py', '../_base_/methods/pseudo_label.py']
recipe = dict(name='pseudo_label', after='dsc', needs_init=True)
# Half of the rate before, as the paper halves its own.
rate_factor = 0.5
optim_wrapper = dict(
    generator=dict(
        optimizer=dict(_delete_=True, type='AdamW', weight_decay=0.01, fused=True)
    )
)
