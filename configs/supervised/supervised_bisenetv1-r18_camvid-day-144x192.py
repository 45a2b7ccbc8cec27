# Trained on the source alone, evaluated on the target.
_base_ = [
    '../_base_/models/bisenetv1_r18_camvid.py',
    '../_base_/datasets/camvid_day2dusk_source.py',
    '../_base_/methods/supervised.py',
    '../_base_/schedules/poly_4e.py',
    '../_base_/default_runtime.py',
]
model = _base_.segmentor
