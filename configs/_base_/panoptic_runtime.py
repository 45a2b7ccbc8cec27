_base_ = './default_runtime.py'
visualizer = dict(type='PanopticVisualizer')
# The scales of section 4.1 of "Naive-Student"; the views are made on the tensor
# that test_pipeline leads to.
tta_model = dict(
    _delete_=True,
    type='PanopticTTA',
    scales=(0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0),
    flip=True,
)
custom_hooks = []
