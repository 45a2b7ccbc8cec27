# What the released code does in this stage and the paper does not say.
_base_ = './mpl-product-dsc_bisenetv1-r101_gta2cs-512x1024.py'
model = dict(feedback_rule=dict(first_epoch_h=1.0))
# The discriminators' rates do not decay.
decay = _base_.param_scheduler
param_scheduler = dict(_delete_=True, student_generator=decay, teacher_generator=decay)
train_cfg = dict(val_interval=1)
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
