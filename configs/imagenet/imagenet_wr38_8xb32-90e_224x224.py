_base_ = './imagenet_wr41_8xb32-90e_224x224.py'
model = dict(backbone=dict(type='WideResNet38'), head=dict(in_channels=4096))
