_base_ = './mean-teacher_bisenetv1-r18_gta2cs-512x1024.py'
# Labels weighed by class medians, and a student that is adapted already.
model = dict(
    pseudo_labeler=dict(_delete_=True, type='ClassMedian', cap=0.9, scope='image'),
    generator=dict(
        checkpoint='work_dirs/'
        'adversarial-dsc_bisenetv1-r18_gta2cs-512x1024/'
        'epoch_50.pth',
        checkpoint_prefix='generator.segmentor.',
    ),
)
miniature_config = 'mean-teacher-median_bisenetv1-r18_minicity-128x256'
