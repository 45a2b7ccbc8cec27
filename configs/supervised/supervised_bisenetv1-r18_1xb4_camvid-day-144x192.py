_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_source.py',
    '../_base_/schedules/sgd_50e.py',
    '../_base_/default_runtime.py',
]
# Trained on day, evaluated on dusk.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=5, by_epoch=True)
]
train_cfg = dict(max_epochs=4, val_interval=4)
miniature_config = (
    'configs/supervised/supervised_bisenetv1-r18_1xb4_minicity-gta5-128x256.py'
)
