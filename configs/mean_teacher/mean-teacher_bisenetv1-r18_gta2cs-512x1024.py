_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/gta2cityscapes_mixed.py',
    '../_base_/methods/mean_teacher.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
)
