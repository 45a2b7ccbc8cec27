# The discriminator with SGD.
_base_ = './adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py'
optim_wrapper = dict(
    discriminator=dict(
        optimizer=dict(
            _delete_=True, type='SGD', lr=1e-4, momentum=0.9, weight_decay=1e-4
        )
    )
)
