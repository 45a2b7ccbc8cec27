_base_ = './adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py'
model = dict(discriminator=dict(type='FCDiscriminator'))
