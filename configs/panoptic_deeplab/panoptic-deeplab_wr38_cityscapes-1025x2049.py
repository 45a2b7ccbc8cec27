_base_ = [
    '../_base_/models/panoptic_deeplab_wr38.py',
    '../_base_/datasets/cityscapes_panoptic.py',
    '../_base_/schedules/panoptic_deeplab_60k.py',
    '../_base_/panoptic_runtime.py',
]
# The paper names a rate for X-71 and for WR-41 only; this is the latter's.
optim_wrapper = dict(optimizer=dict(lr=1e-4))
