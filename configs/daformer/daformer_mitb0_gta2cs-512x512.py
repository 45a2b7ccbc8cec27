_base_ = [
    '../_base_/models/daformer_mitb0.py',
    '../_base_/datasets/gta2cityscapes_crops.py',
    '../_base_/methods/daformer.py',
    '../_base_/schedules/warmup_40k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
)
# Dilated depthwise convolutions are five times as slow on a CPU with channels last.
default_hooks = dict(channels_last=None)
