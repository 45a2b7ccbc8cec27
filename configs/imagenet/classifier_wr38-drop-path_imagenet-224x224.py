_base_ = './classifier_wr38_imagenet-224x224.py'
model = dict(backbone=dict(drop_path_survival=0.8))
