# The methods of paper A on real video: CamVid, from day to dusk.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import World as _World
from segda_mm.experiments.adaptation_runs import adaptation_runs as _adaptation_runs

_base_ = './_base_/adaptation.py'
title = 'CamVid, day to dusk'
introduction = (
    'Source: the 305 labelled day frames of `0006R0` and `0016E5`. Target: the first 31 frames of '
    '`0001TP`, at dusk, as images only; evaluated on its last 31 frames. 11 classes, 480x360, '
    'trained at 192x144 in batches of 4. The network is BiSeNet-R18 with a quarter of its channels, '
    'from scratch. source-only, adversarial methods, mean teacher and oracle train for 4 epochs of '
    '76 steps; PL and MPL go on from the end of DSC for 2 more. `aug`: photometric distortion of '
    'the source images. Nothing was tuned on these images: the settings are those of the miniature '
    'world, which were chosen on another world.')

_data = _Config.fromfile('configs/_base_/datasets/camvid_day2dusk_pair.py')
_segmentor = _Config.fromfile('configs/_base_/models/bisenetv1_r18_quarter.py').model.to_dict()
_segmentor.pop('data_preprocessor')
for _head in (_segmentor['decode_head'], *_segmentor['auxiliary_head']):
    _head['num_classes'] = 11
_source, _pair, _target = 'camvid-day-144x192', 'camvid-day2dusk-144x192', 'camvid-dusk-144x192'
_epochs, _epochs_after = 4, 2
_feedback = dict(growth_epochs=1.6, full_after_epoch=1)

_target_images = dict(_data.target_dataset.to_dict(), pipeline=_data.label_pipeline)
_held_out = dict(
    type='CamVidDataset',
    data_root='data/camvid',
    data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
    every=4,
    pipeline=_data.test_pipeline)
_unlabeled = dict(batch_size=1, num_workers=0, dataset=_target_images)
common_options = {
    'train_cfg.val_interval': 1,
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
