# Half of the size in each direction: a training takes a minute, and things are small.
_base_ = './panoptic-deeplab_r18_minicity-256x512.py'
make_data = (
    'segda minicity --out data/minicity-video --gta5 0 '
    '--train 20 --val 60 --train-extra 80 --sequence-train 20'
)
cityscapes_root = 'data/minicity-video/cityscapes'
train_pipeline = _base_.train_pipeline
# 0.7 to 1.3 in steps of 0.1.
train_pipeline[2].scales = [
    (256 * tenths // 10, 128 * tenths // 10) for tenths in range(7, 14)
]
crop_size = (97, 193)
train_pipeline[3].crop_size = crop_size
# In pixels of the crop, as all lengths and areas below.
train_pipeline[5].update(sigma=2.0, small_instance_area=64)
train_dataloader = dict(
    dataset=dict(data_root=cityscapes_root, pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(data_root=cityscapes_root))
test_dataloader = val_dataloader
model = dict(
    data_preprocessor=dict(size=crop_size, test_cfg=dict(size=(129, 257))),
    decode_head=dict(
        # Half of those of 256x512, rounded: the map is 9x17.
        aspp_rates=(2, 3, 5),
        # Offsets are half of those of 256x512.
        loss_offset=dict(loss_weight=0.08),
    ),
    test_cfg=dict(nms_kernel_size=3, stuff_area=64),
)
# 5 steps an epoch.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=300, by_epoch=False)
]
train_cfg = dict(max_epochs=60, val_interval=60)
