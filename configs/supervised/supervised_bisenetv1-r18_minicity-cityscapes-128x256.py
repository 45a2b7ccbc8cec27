# The oracle: trained on the labels of the target.
_base_ = [
    '../_base_/models/bisenetv1_r18_scratch.py',
    '../_base_/datasets/minicity_target.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
