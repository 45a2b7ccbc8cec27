# Trained on the source alone, evaluated on the target.
_base_ = [
    '../_base_/models/bisenetv1_r101.py',
    '../_base_/datasets/gta2cityscapes_source.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_50e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
