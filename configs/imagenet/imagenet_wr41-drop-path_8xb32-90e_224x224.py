_base_ = './imagenet_wr41_8xb32-90e_224x224.py'
model = dict(backbone=dict(drop_path_survival=0.8))
