_base_ = './classifier_wr41_imagenet-224x224.py'
model = dict(backbone=dict(type='WideResNet38'), head=dict(in_channels=4096))
