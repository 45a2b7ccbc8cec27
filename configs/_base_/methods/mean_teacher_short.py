# The mean teacher in some hundred steps.
_base_ = './mean_teacher.py'
model = dict(
    pseudo_labeler=dict(threshold=0.9),
    augmentation=dict(
        brightness=0.5, contrast=0.5, saturation=0.5, hue=0.1, jitter_probability=0.8
    ),
    # A mean over some hundred steps: there are only few of them.
    decay=0.99,
)
