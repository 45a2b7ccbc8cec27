# Labelled images with instances: Mapillary Vistas 1.2, 18,000 images to train on
# and 2,000 to validate on, of many sizes, before a network is trained on Cityscapes.
_base_ = './cityscapes_panoptic.py'
mapillary_root = 'data/mapillary'
# 'v2.0' for the other version; archives of before 2021 have 1.2 right under
# training: then 'panoptic' takes the place of 'v1.2/panoptic' below.
version = 'v1.2'
# The classes are the 19 of Cityscapes, so that the last layers carry over too.
# With False they are the categories of Mapillary, which the head has to be told:
# 65 in version 1.2.
map_to_cityscapes = True
# Of an image that is tested, and that random scales are relative to. In testing
# model.data_preprocessor.test_cfg.size has to be this in both directions.
longer_side = 2177
train_pipeline = _base_.train_pipeline
train_pipeline[2].update(
    # 0.5 to 2.0 in steps of 0.1.
    scales=[
        (longer_side * tenths // 10, longer_side * tenths // 10)
        for tenths in range(5, 21)
    ],
    keep_ratio=True,
)
test_pipeline = _base_.test_pipeline
test_pipeline.insert(
    1, dict(type='Resize', scale=(longer_side, longer_side), keep_ratio=True)
)
tta_pipeline = test_pipeline
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MapillaryPanopticDataset',
        data_root=mapillary_root,
        data_prefix=dict(
            img_path='training/images', seg_map_path=f'training/{version}/panoptic'
        ),
        map_to_cityscapes=map_to_cityscapes,
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MapillaryPanopticDataset',
        data_root=mapillary_root,
        data_prefix=dict(
            img_path='validation/images', seg_map_path=f'validation/{version}/panoptic'
        ),
        map_to_cityscapes=map_to_cityscapes,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
