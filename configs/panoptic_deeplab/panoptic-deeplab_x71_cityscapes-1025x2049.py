_base_ = [
    '../_base_/models/panoptic_deeplab_x71.py',
    '../_base_/datasets/cityscapes_panoptic.py',
    '../_base_/schedules/panoptic_deeplab_60k.py',
    '../_base_/panoptic_runtime.py',
]
