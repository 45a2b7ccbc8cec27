# What the recipes for own data share. A file of yours names one of them as `_base_`
# and gives classes, source, target and what else shall be different: docs/own_data.md.
_base_ = [
    './datasets/common.py',
    './schedules/poly_50e.py',
    './default_runtime.py',
]
# Width and height of the images that the network sees.
size = (1024, 512)
epochs = 20
batch_size = 4
workers = 2
# The rate of AdamW, and the part of it at which a pretrained encoder learns: of our
# BiSeNet on EfficientNet-Lite0, and of other networks, which have it as SegFormer does.
learning_rates = dict(
    bisenetv1_lite0=dict(lr=2e-3, encoder='timm_model', lr_mult=0.25),
    other=dict(lr=6e-4, encoder='backbone', lr_mult=0.1),
)
# What a recipe that goes on from adapted networks multiplies these rates by.
rate_factor = 1.0
# Sizes at which source images are cut out, in parts of `size`.
scale_range = (1.0, 1.5)
# Test-time augmentation.
tta_ratios = (0.75, 1.0, 1.25)
# The streets of source='minicity'.
drawn = dict(num_images=300, size=(512, 256), seed=0)
