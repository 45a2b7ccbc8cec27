# From GTA5 to Cityscapes: the data, networks and lengths of training of paper A.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import (
    validation_options as _validation_options,
)

_base_ = './photometric.py'
_data = _Config.fromfile('configs/_base_/datasets/gta2cityscapes_pair.py')


def _network(depth):
    segmentor = _Config.fromfile(
        f'configs/_base_/models/bisenetv1_r{depth}.py'
    ).segmentor.to_dict()
    segmentor.pop('data_preprocessor')
    return segmentor


_large_network = {
    'model': _network(101),
    'optional_checkpoints': _Config.fromfile(
        'configs/_base_/models/bisenetv1_r101.py'
    ).optional_checkpoints,
}
_target_images = _data.target_dataset.to_dict()
_target_images.pop('pipeline')
# Of 24,966 images, so that about five of these are trained on.
_held_out = dict(
    type='GTA5Dataset',
    data_root='data/gta5',
    subset=dict(size=250, seed=1),
    pipeline=_data.test_pipeline,
)
_unlabeled = dict(
    batch_size=1,
    num_workers=4,
    dataset=dict(
        _target_images, subset=dict(size=100, seed=0), pipeline=_data.label_pipeline
    ),
)
common_options = _validation_options(_unlabeled, _held_out)
_source_images = _data.train_dataloader.dataset.source.to_dict()
_source_images.pop('pipeline')
_world = _World(
    source='gta5-720x1280',
    pair='gta2cs-512x1024',
    target='cityscapes-512x1024',
    segmentor=_network(18),
    discriminator_channels=None,
    photometric=_base_._photometric,
    epochs=50,
    epochs_after=50,
    feedback=dict(growth_epochs=40, full_after_epoch=25),
    source_images=_source_images,
    target_images=_target_images,
    unlabeled=_unlabeled,
)
