_base_ = [
    '../_base_/models/daformer_mitb0.py',
    '../_base_/datasets/synthia2cityscapes_crops.py',
    '../_base_/methods/daformer.py',
    '../_base_/schedules/warmup_40k.py',
    '../_base_/default_runtime.py',
]
segmentor = dict(_base_.segmentor)
segmentor.update(decode_head=dict(_base_.segmentor.decode_head, num_classes=16))
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=segmentor),
    # traffic light, traffic sign, person, rider, car, bus, motorcycle and bicycle.
    thing_classes=(6, 7, 10, 11, 12, 13, 14, 15),
)
# Dilated depthwise convolutions are five times as slow on a CPU with channels last.
default_hooks = dict(channels_last=None)
