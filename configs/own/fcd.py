# The same with a discriminator of full convolutions.
_base_ = './dsc.py'
recipe = dict(name='fcd')
model = dict(discriminator=dict(type='FCDiscriminator'))
