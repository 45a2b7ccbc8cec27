# The methods of paper A on the miniature world: from the game's look to the real one.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import adaptation_runs as _adaptation_runs

_base_ = './_base_/adaptation.py'
title = 'Miniature world, game to real look'
introduction = (
    'Source: 200 labelled images of the game look. Target: 200 images of the real look, without '
    'labels; evaluated on 60 of other cities. 19 classes, 256x128, batches of 4. The network is '
    'BiSeNet-R18 with a quarter of its channels, from scratch. source-only, adversarial methods, '
    'mean teacher and oracle train for 6 epochs of 50 steps; PL and MPL go on from the end of DSC '
    'for 3 more. `aug`: photometric distortion of the source images. The improved recipe was chosen '
    'on another world (`--seed 1`), none of whose images is used here. The worlds are written by '
    '`python tools/dataset_converters/make_minicity.py` and by `python '
    'tools/dataset_converters/make_minicity.py --out data/minicity-holdout --seed 2 --gta5 40 '
    '--train 1 --val 1`, whose images are the held-out ones of the source.')

_data = _Config.fromfile('configs/_base_/datasets/minicity_pair.py')
_segmentor = _Config.fromfile('configs/_base_/models/bisenetv1_r18_quarter.py').model.to_dict()
_segmentor.pop('data_preprocessor')
_source, _pair, _target = 'minicity-gta5-128x256', 'minicity-128x256', 'minicity-cityscapes-128x256'
_epochs, _epochs_after = 6, 3
_feedback = dict(growth_epochs=2.4, full_after_epoch=1.5)

_target_images = dict(_data.target_dataset.to_dict(), pipeline=_data.label_pipeline)
_held_out = dict(
    type='GTA5Dataset', data_root='data/minicity-holdout/gta5', pipeline=_data.test_pipeline)
_unlabeled = dict(
    batch_size=1, num_workers=0, dataset=dict(_target_images, subset=dict(size=40, seed=0)))
common_options = {
    'train_cfg.val_interval': 2,
    'default_hooks.target_entropy': dict(type='TargetEntropyHook', dataloader=_unlabeled),
    'default_hooks.source_validation': dict(
        type='SourceValidationHook',
        dataloader=dict(batch_size=1, num_workers=0, dataset=_held_out),
        evaluator=dict(type='PerClassIoUMetric', iou_metrics=['mIoU']))
}
_agreement = {
    'default_hooks.agreement': dict(type='TeacherStudentAgreementHook', dataloader=_unlabeled)
}

_plain = _data.train_dataloader.dataset.source.pipeline
runs = _adaptation_runs(
    _World(
        source=_source,
        pair=_pair,
        target=_target,
        segmentor=_segmentor,
        pipeline=_plain,
        photometric=_base_._photometric,
        epochs=_epochs,
        epochs_after=_epochs_after,
        feedback=_feedback,
        teacher_options=_agreement))

# What is known of the target without a label: the colours of its images, which the source's
# are given, and the statistics that its images leave in the network.
_images = {key: value for key, value in _target_images.items() if key != 'pipeline'}
_distorted = runs['source-only + aug']['options']['train_dataloader.dataset.pipeline']
_resized = [step['type'] for step in _distorted].index('Resize') + 1
_colored = [
    *_distorted[:_resized],
    dict(type='ColorStatistics', images=_images, strength=(0.0, 1.0), prob=0.8),
    *_distorted[_resized:]
]
_adaptive_batch_norm = {
    'default_hooks.adaptive_batch_norm': dict(
        type='AdaptiveBatchNormHook', dataloader=dict(_unlabeled, batch_size=4))
}


def _source_only(pipeline, **options):
    entry = runs['source-only + aug']
    options = {
        **entry['options'], 'train_dataloader.dataset.pipeline': pipeline,
        **options
    }
    return dict(entry, options=options)


runs['source-only + aug + BatchNorm'] = _source_only(_distorted, **_adaptive_batch_norm)
runs['source-only + aug + colors'] = _source_only(_colored)
runs['improved recipe'] = _source_only(_colored, **_adaptive_batch_norm)
