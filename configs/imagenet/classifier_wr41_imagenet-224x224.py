_base_ = [
    '../_base_/models/imagenet_wr41.py',
    '../_base_/datasets/imagenet.py',
    '../_base_/schedules/imagenet_90e.py',
    '../_base_/imagenet_runtime.py',
]
