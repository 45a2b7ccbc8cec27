_base_ = './source-free-mean-teacher_bisenetv1-r18_gta2cs-512x1024.py'
# The student also learns from images of which squares are hidden.
model = dict(
    masking=dict(type='BlockMask', ratio=0.7, block_size=64), masked_loss_weight=1.0
)
