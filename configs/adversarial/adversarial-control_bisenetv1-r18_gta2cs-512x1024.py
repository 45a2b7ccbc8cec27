# The control: lambda_adv = 0. The discriminator watches; no weight learns from
# the target, but BatchNorm's running statistics see its images.
_base_ = './adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py'
model = dict(adv_weight=0.0)
