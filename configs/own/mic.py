# The same, and the student also learns from target images of which squares are hidden,
# an eighth of the height of `size` wide.
_base_ = './mean_teacher.py'
recipe = dict(name='mic', after='source_only', source_free=True)
model = dict(
    masking=dict(type='BlockMask', ratio=0.7, block_size=64), masked_loss_weight=1.0
)
