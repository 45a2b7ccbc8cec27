_base_ = [
    '../_base_/models/bisenetv1_r18_scratch.py',
    '../_base_/datasets/minicity_pair.py',
    '../_base_/methods/adversarial.py',
    '../_base_/schedules/poly_8e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    generator=dict(segmentor=_base_.segmentor),
)
