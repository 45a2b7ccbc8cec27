# The oracle: trained on the labels of the target.
_base_ = [
    '../_base_/models/bisenetv1_r18.py',
    '../_base_/datasets/gta2cityscapes_target.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
miniature_config = 'supervised_bisenetv1-r18_minicity-cityscapes-128x256'
