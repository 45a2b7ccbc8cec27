# Your trained network becomes certain of the target: the scales and shifts of its
# normalisation layers alone are trained. It needs no source.
_base_ = ['../_base_/own_data.py', '../_base_/methods/tent.py']
recipe = dict(
    name='tent',
    after='source_only',
    needs_init=True,
    source_free=True,
    target_alone=True,
)
