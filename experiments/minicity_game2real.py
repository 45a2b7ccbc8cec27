# The methods of paper A on the miniature world: from the game's look to the real one.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import adaptation_runs as _adaptation_runs
from segda_mm.experiments.adaptation_runs import (
    validation_options as _validation_options,
)

_base_ = './_base_/adaptation.py'
title = 'Miniature world, game to real look'
introduction = (
    'Source: 200 labelled images of the game look. Target: 200 images of the real look, without '
    'labels; evaluated on 60 of other cities. 19 classes, 256x128, batches of 4. The network is '
    'BiSeNet-R18 with a quarter of its channels, from scratch. source-only, adversarial methods, '
    'mean teacher and oracle train for 6 epochs of 50 steps; PL and MPL go on from the end of DSC '
    'for 3 more. `aug`: photometric distortion of the source images. `BatchNorm`: running '
    'statistics are those of the target images (AdaBN). `colors`: source images take the color '
    'statistics of target images, in a random strength. The improved recipe is both, with `aug`; it was chosen '
    'on another world (`--seed 1`), none of whose images is used here. The worlds are written by '
    '`python tools/dataset_converters/make_minicity.py` and by `python '
    'tools/dataset_converters/make_minicity.py --out data/minicity-holdout --seed 2 --gta5 40 '
    '--train 1 --val 1`, whose images are the held-out ones of the source.')

_data = _Config.fromfile('configs/_base_/datasets/minicity_pair.py')
_segmentor = _Config.fromfile('configs/_base_/models/bisenetv1_r18_quarter.py').model.to_dict()
_segmentor.pop('data_preprocessor')

_target_images = _data.target_dataset.to_dict()
_target_images.pop('pipeline')
_held_out = dict(
    type='GTA5Dataset', data_root='data/minicity-holdout/gta5', pipeline=_data.test_pipeline)
_unlabeled = dict(
    batch_size=1, num_workers=0, dataset=dict(
        _target_images, subset=dict(size=40, seed=0), pipeline=_data.label_pipeline))
common_options = {
    'train_cfg.val_interval': 2,
    **_validation_options(_unlabeled, _held_out)
}
runs = _adaptation_runs(
    _World(
        source='minicity-gta5-128x256',
        pair='minicity-128x256',
        target='minicity-cityscapes-128x256',
        segmentor=_segmentor,
        pipeline=_data.train_dataloader.dataset.source.pipeline,
        photometric=_base_._photometric,
        epochs=6,
        epochs_after=3,
        # Full strength in the last epoch.
        feedback=dict(growth_epochs=2.4, full_after_epoch=1.5),
        target_images=_target_images,
        unlabeled=_unlabeled))
