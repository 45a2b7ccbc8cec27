# As naive-student_bisenetv1-r18_camvid-144x192.py, with a network that starts from
# ImageNet weights, at 320x240, and with rates that decay in every step.
_base_ = './naive-student_bisenetv1-r18_camvid-144x192.py'
_config = 'configs/supervised/supervised_bisenetv1-lite0_camvid-day-192x256.py'
teacher = dict(config=_config)
rounds = [
    dict(
        student=dict(config=_config, steps=180),
        finetune=dict(
            steps=60, options=dict(optim_wrapper=dict(optimizer=dict(lr=5e-4)))
        ),
    )
]
by_step = True
