# The runtime of all configs, with the parts of MMPretrain that classifiers need.
_base_ = './default_runtime.py'
custom_imports = dict(
    imports=[
        'segda_mm',
        'mmpretrain.models',
        'mmpretrain.datasets',
        'mmpretrain.evaluation',
    ],
    allow_failed_imports=False,
)
default_hooks = dict(logger=dict(interval=100))
tta_model = None
custom_hooks = []
