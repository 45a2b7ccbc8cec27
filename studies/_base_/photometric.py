# Source images alone are changed; those of the target stay as the camera has taken them.
_photometric = dict(
    type='PhotoMetricDistortion',
    brightness_delta=64,
    contrast_range=(0.4, 1.6),
    saturation_range=(0.4, 1.6),
    hue_delta=18,
)
