# The methods of paper A on real video: CamVid, from day to dusk.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import adaptation_runs as _adaptation_runs
from segda_mm.experiments.adaptation_runs import (
    validation_options as _validation_options,
)

_base_ = './_base_/adaptation.py'
title = 'CamVid, day to dusk'
introduction = (
    'Source: the 305 labelled day frames of `0006R0` and `0016E5`. Target: the first 31 frames of '
    '`0001TP`, at dusk, as images only; evaluated on its last 31 frames. 11 classes, 480x360, '
    'trained at 192x144 in batches of 4. The network is BiSeNet-R18 with a quarter of its channels, '
    'from scratch. source-only, adversarial methods, mean teacher and oracle train for 4 epochs of '
    '76 steps; PL and MPL go on from the end of DSC for 2 more. `aug`: photometric distortion of '
    'the source images. `BatchNorm`: running statistics are those of the target images (AdaBN). '
    '`colors`: source images take the color statistics of target images, in a random strength. The '
    'improved recipe is both, with `aug`. Nothing was tuned on these images: the settings are those of the miniature '
    'world, which were chosen on another world.')

_data = _Config.fromfile('configs/_base_/datasets/camvid_day2dusk_pair.py')
_segmentor = _Config.fromfile('configs/_base_/models/bisenetv1_r18_quarter.py').model.to_dict()
_segmentor.pop('data_preprocessor')
for _head in (_segmentor['decode_head'], *_segmentor['auxiliary_head']):
    _head['num_classes'] = 11

_target_images = _data.target_dataset.to_dict()
_target_images.pop('pipeline')
_held_out = dict(
    type='CamVidDataset',
    data_root='data/camvid',
    data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
    every=4,
    pipeline=_data.test_pipeline)
_unlabeled = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(_target_images, pipeline=_data.label_pipeline))
common_options = {
    'train_cfg.val_interval': 1,
    **_validation_options(_unlabeled, _held_out)
}
runs = _adaptation_runs(
    _World(
        source='camvid-day-144x192',
        pair='camvid-day2dusk-144x192',
        target='camvid-dusk-144x192',
        segmentor=_segmentor,
        pipeline=_data.train_dataloader.dataset.source.pipeline,
        photometric=_base_._photometric,
        epochs=4,
        epochs_after=2,
        # Full strength in the last epoch.
        feedback=dict(growth_epochs=1.6, full_after_epoch=1),
        target_images=_target_images,
        unlabeled=_unlabeled))
