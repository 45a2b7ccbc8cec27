_base_ = [
    '../_base_/models/panoptic_deeplab_wr41.py',
    '../_base_/datasets/cityscapes_panoptic.py',
    '../_base_/schedules/panoptic_deeplab_60k.py',
    '../_base_/panoptic_runtime.py',
]
optim_wrapper = dict(optimizer=dict(lr=1e-4))
