_base_ = [
    '../_base_/models/daformer_lite0.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/daformer.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
# For some hundred steps: a mean over fewer steps, a lower threshold, larger rates.
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
    decay=0.99,
    pseudo_labeler=dict(threshold=0.9, ignored_rows=(0, 0)),
)
student_optim = dict(
    optimizer=dict(lr=5e-4),
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=4.0))),
)
optim_wrapper = dict(student_generator=student_optim)
source = dict(_base_.train_dataloader.dataset.source)
train_dataloader = dict(
    dataset=dict(
        source=dict(
            _delete_=True,
            type='RareClassDataset',
            temperature=0.01,
            min_pixels_share=0.0015,
            dataset=source,
        )
    )
)
# Dilated depthwise convolutions are five times as slow on a CPU with channels last.
default_hooks = dict(channels_last=None)
