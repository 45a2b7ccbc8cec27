_base_ = './pseudo-label-dsc_bisenetv1-r18_gta2cs-512x1024.py'
optim_wrapper = dict(generator=dict(optimizer=dict(lr=2.5e-2)))
