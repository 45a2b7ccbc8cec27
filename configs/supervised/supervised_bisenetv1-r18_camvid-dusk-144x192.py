# The oracle: trained on the labels of the target.
_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_target.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_4e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
# The 31 frames of dusk are repeated to the length of the day's 305, so that all runs
# take as many steps.
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=10,
        dataset=_base_.train_dataloader.dataset,
    )
)
miniature_config = 'supervised_bisenetv1-r18_minicity-cityscapes-128x256'
