_base_ = './adversarial-dsc_bisenetv1-r18_minicity-128x256.py'
model = dict(discriminator=dict(type='FCDiscriminator'))
