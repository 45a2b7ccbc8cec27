_base_ = '../daformer/daformer_mitb0_gta2cs-512x512.py'
# The student also learns from target images of which squares are hidden.
model = dict(
    masking=dict(type='BlockMask', ratio=0.7, block_size=64), masked_loss_weight=1.0
)
miniature_config = 'mic-daformer_lite0_minicity-128x256'
