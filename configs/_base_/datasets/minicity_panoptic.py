# Labelled images with instances: the real look of the built-in miniature world,
# twice as large as the adaptation configs have it, so that things have a shape.
_base_ = './cityscapes_panoptic.py'
make_data = (
    'segda minicity --out data/minicity-512x256 '
    '--size 512x256 --gta5 0 --train 1600 --val 100'
)
cityscapes_root = 'data/minicity-512x256/cityscapes'
image_scale = (512, 256)
# Three quarters of the image in both directions: more steps in the same time.
crop_size = (193, 385)
train_pipeline = _base_.train_pipeline
# 0.7 to 1.3 in steps of 0.1.
train_pipeline[2].scales = [
    (image_scale[0] * tenths // 10, image_scale[1] * tenths // 10)
    for tenths in range(7, 14)
]
train_pipeline[3].crop_size = crop_size
# In pixels of the crop. The images are a quarter of Cityscapes in width, so
# instances under (64 / 4)**2 pixels correspond to the small ones of the paper.
train_pipeline[5].update(sigma=4.0, small_instance_area=256)
train_dataloader = dict(
    num_workers=0, dataset=dict(data_root=cityscapes_root, pipeline=train_pipeline)
)
val_dataloader = dict(num_workers=0, dataset=dict(data_root=cityscapes_root))
test_dataloader = val_dataloader
