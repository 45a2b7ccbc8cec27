_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_pair.py',
    '../_base_/methods/adversarial.py',
    '../_base_/schedules/poly_4e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
    discriminator=dict(num_classes=11),
)
