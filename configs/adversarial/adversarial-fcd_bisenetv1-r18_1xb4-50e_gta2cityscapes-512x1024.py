_base_ = './adversarial-dsc_bisenetv1-r18_1xb4-50e_gta2cityscapes-512x1024.py'
model = dict(discriminator=dict(type='FCDiscriminator'))
