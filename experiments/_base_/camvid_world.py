# From day to dusk on CamVid.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import (
    validation_options as _validation_options,
)

_base_ = './photometric.py'
_data = _Config.fromfile('configs/_base_/datasets/camvid_day2dusk_pair.py')


def _network(depth):
    segmentor = _Config.fromfile(
        f'configs/_base_/models/bisenetv1_r{depth}_quarter.py'
    ).segmentor
    segmentor = segmentor.to_dict()
    segmentor.pop('data_preprocessor')
    for head in (segmentor['decode_head'], *segmentor['auxiliary_head']):
        head['num_classes'] = 11
    return segmentor


_large_network = {'model': _network(101)}
_target_images = _data.target_dataset.to_dict()
_target_images.pop('pipeline')
_held_out = dict(
    type='CamVidDataset',
    data_root='data/camvid',
    data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
    every=4,
    pipeline=_data.test_pipeline,
)
_unlabeled = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(_target_images, pipeline=_data.label_pipeline),
)
common_options = {
    'train_cfg.val_interval': 1,
    **_validation_options(_unlabeled, _held_out),
}
_source_images = _data.train_dataloader.dataset.source.to_dict()
_source_images.pop('pipeline')
_world = _World(
    source='camvid-day-144x192',
    pair='camvid-day2dusk-144x192',
    target='camvid-dusk-144x192',
    segmentor=_network(18),
    # A quarter of the paper's, as in the network.
    discriminator_channels=(16, 32, 64, 128, 1),
    photometric=_base_._photometric,
    epochs=4,
    epochs_after=2,
    # Full strength in the last epoch.
    feedback=dict(growth_epochs=1.6, full_after_epoch=1),
    source_images=_source_images,
    target_images=_target_images,
    unlabeled=_unlabeled,
)
