# From the game's look to the real one on the miniature world.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import (
    validation_options as _validation_options,
)

_base_ = './photometric.py'
_data = _Config.fromfile('configs/_base_/datasets/minicity_pair.py')


def _network(depth):
    segmentor = _Config.fromfile(
        f'configs/_base_/models/bisenetv1_r{depth}_quarter.py'
    ).segmentor
    segmentor = segmentor.to_dict()
    segmentor.pop('data_preprocessor')
    return segmentor


_large_network = {'model': _network(101)}
_target_images = _data.target_dataset.to_dict()
_target_images.pop('pipeline')
_held_out = dict(
    type='GTA5Dataset',
    data_root='data/minicity-holdout/gta5',
    pipeline=_data.test_pipeline,
)
_unlabeled = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(
        _target_images, subset=dict(size=40, seed=0), pipeline=_data.label_pipeline
    ),
)
common_options = {
    'train_cfg.val_interval': 2,
    **_validation_options(_unlabeled, _held_out),
}
_source_images = _data.train_dataloader.dataset.source.to_dict()
_source_images.pop('pipeline')
_world = _World(
    source='minicity-gta5-128x256',
    pair='minicity-128x256',
    target='minicity-cityscapes-128x256',
    segmentor=_network(18),
    # A quarter of the paper's, as in the network.
    discriminator_channels=(16, 32, 64, 128, 1),
    photometric=_base_._photometric,
    epochs=6,
    epochs_after=3,
    # Full strength in the last epoch.
    feedback=dict(growth_epochs=2.4, full_after_epoch=1.5),
    source_images=_source_images,
    target_images=_target_images,
    unlabeled=_unlabeled,
)
