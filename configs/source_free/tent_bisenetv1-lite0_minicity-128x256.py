_base_ = [
    '../_base_/models/bisenetv1_lite0.py',
    '../_base_/datasets/minicity_images.py',
    '../_base_/methods/tent.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/supervised_bisenetv1-lite0_minicity-gta5-128x256/epoch_8.pth',
    ),
)
