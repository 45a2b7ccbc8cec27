# At 299 x 299, the size of Xception, so that timm's weights can be tested with this config too.
_base_ = './classifier_wr41_imagenet-224x224.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='Xception71',
        output_stride=32,
        out_indices=(2,),
        norm_cfg=dict(type='BN', eps=1e-3, requires_grad=True),
    )
)
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[1].update(scale=299)
test_pipeline[1].update(scale=331)
test_pipeline[2].update(crop_size=299)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
