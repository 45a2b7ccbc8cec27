_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/gta2cityscapes_images.py',
    '../_base_/methods/mean_teacher.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(
        segmentor=_base_.segmentor,
        checkpoint='work_dirs/supervised_bisenetv1-r18_gta5-720x1280/epoch_50.pth',
    ),
    # There is no source to paste parts of.
    mixing=None,
)
