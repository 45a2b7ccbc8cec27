_base_ = './source-free-mean-teacher_bisenetv1-lite0_minicity-128x256.py'
# The student also learns from images of which squares are hidden.
model = dict(
    masking=dict(type='BlockMask', ratio=0.7, block_size=16), masked_loss_weight=1.0
)
