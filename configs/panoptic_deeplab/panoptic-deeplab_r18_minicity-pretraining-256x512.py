_base_ = './panoptic-deeplab_r18_minicity-256x512.py'
# Weights to start from, as Mapillary Vistas gives them to Cityscapes' networks: 60
# labelled images of another world.
make_data = (
    'segda minicity --out data/minicity-512x256-pretraining '
    '--size 512x256 --gta5 0 --seed 1 --train 60 --val 60'
)
cityscapes_root = 'data/minicity-512x256-pretraining/cityscapes'
train_dataloader = dict(dataset=dict(data_root=cityscapes_root))
val_dataloader = dict(dataset=dict(data_root=cityscapes_root))
test_dataloader = val_dataloader
# 15 steps an epoch.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=795, by_epoch=False)
]
train_cfg = dict(max_epochs=53, val_interval=53)
