_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_target.py',
    '../_base_/schedules/sgd_50e.py',
    '../_base_/default_runtime.py',
]
# The oracle: trained on the labels of dusk. Its 31 frames are repeated to the
# length of the day's 305, so that all runs take as many steps.
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=10,
        dataset=_base_.train_dataloader.dataset,
    )
)
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=5, by_epoch=True)
]
train_cfg = dict(max_epochs=4, val_interval=4)
miniature_config = (
    'configs/supervised/supervised_bisenetv1-r18_1xb4_minicity-cityscapes-128x256.py'
)
