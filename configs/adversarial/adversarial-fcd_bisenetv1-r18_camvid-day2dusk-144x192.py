_base_ = './adversarial-dsc_bisenetv1-r18_camvid-day2dusk-144x192.py'
model = dict(discriminator=dict(type='FCDiscriminator'))
miniature_config = 'adversarial-fcd_bisenetv1-r18_minicity-128x256'
