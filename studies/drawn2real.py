"""From drawn streets to real ones: what adapts a network that has learned something."""

from __future__ import annotations

from mmengine.config import Config

from studies.changes import source_images, trained_for
from studies.pair_rows import (
    DISCRIMINATOR,
    PairRows,
    averaged,
    batch_norm,
    certain,
    gentle,
    masked,
    own_medians,
    pixels_alike,
    pseudo_labels,
    rare_classes,
    restyled,
    tent,
    whole,
)
from studies.study import Differences, Gap, Plot, Row, Study, Table

SOURCE = 'configs/supervised/supervised_bisenetv1-lite0_minicity2camvid-192x256.py'
#: Epochs of 66 steps, of 400 drawn images in batches of 6; of the target's 305, 50.
rows = PairRows('minicity2camvid-192x256', SOURCE, epochs=4, after=2, alone=3)
TARGET = dict(
    type='CamVidImagesDataset',
    data_root='data/camvid',
    images='images/train',
    sequences=('0006R0', '0016E5'),
)


def large(cfg: Config) -> None:
    """Change: the large network, SegFormer's head on EfficientNet-Lite2."""
    cfg.model.backbone = dict(
        cfg.model.backbone.backbone_cfg,
        model_name='tf_efficientnet_lite2',
        init_cfg=dict(type='EfficientNetLitePretrained', variant=2),
    )
    head = Config.fromfile('configs/_base_/models/heavy_mitb2.py').heavy_segmentor
    cfg.model.decode_head = dict(
        head.decode_head,
        in_channels=[24, 48, 120, 352],
        channels=64,
        num_classes=11,
        norm_cfg=cfg.model.decode_head.norm_cfg,
        loss_decode=cfg.model.decode_head.loss_decode,
    )
    del cfg.model.auxiliary_head


def heavy_teacher(cfg: Config) -> None:
    """Change: the mean teacher is of the large network, beside the light one."""
    light = cfg.model.generator
    trained_large = Config.fromfile(SOURCE)
    large(trained_large)
    segmentor = {k: v for k, v in trained_large.model.items() if k != 'train_cfg'}
    # Assigned, for `update` would merge both networks.
    cfg.model.generator = dict(light, segmentor=dict(segmentor, train_cfg=dict()))
    cfg.model.light_generator = light
    cfg.model.update(
        type='HeavyTeacher',
        distillation_weight=1.0,
        temperature=1.0,
        predict_on='light',
    )
    cfg.optim_wrapper.light_generator = cfg.optim_wrapper.student_generator


def one_look(cfg: Config) -> None:
    """Change: streets of the game look alone."""
    source_images(cfg).data_root = 'data/minicity_game/gta5'


def real_labels(cfg: Config) -> None:
    """Change: the labels of the target; an epoch is 51 steps."""
    pipeline = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset = dict(
        type='CamVidDataset',
        data_root=TARGET['data_root'],
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=TARGET['sequences'],
        pipeline=pipeline,
    )


def on_target_frames(cfg: Config) -> None:
    """Change: evaluated on labelled frames of the target, for choosing alone."""
    cfg.test_dataloader.dataset.update(
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=('0006R0',),
    )


def daformer(cfg: Config) -> None:
    """Change: rare classes are drawn, and the encoder remembers things of ImageNet."""
    rare_classes(cfg)
    cfg.train_dataloader.dataset.source.temperature = 0.01
    cfg.model.update(
        type='DAFormer',
        encoder='context_path.backbone',
        # Signs, cars, pedestrians and bicyclists.
        thing_classes=(6, 8, 9, 10),
        min_thing_share=0.75,
        feature_distance_weight=0.005,
    )


colors = restyled(
    TARGET, 2, dict(type='ColorStatistics', strength=(0.0, 1.0), prob=0.8)
)
fourier = restyled(TARGET, 3, dict(type='FourierStyle', beta=0.02, prob=0.5))
CONTROL, LARGE = 'source, longer', 'source, large network'
RECIPE = 'mean teacher, Fourier'
STYLED = "source, in the target's style"
# Without weighed classes.
ALIKE, ONE_LOOK = 'source, 264 steps', 'one look, 264 steps'
adapted = [
    # Of 0.001, the paper's weight, so short a training feels nothing.
    rows.adversarial('DSC', {'model.adv_weight': 0.01}),
    rows.adversarial('entropy', certain),
    rows.adversarial('pseudo labels', pseudo_labels),
    rows.mean_teacher('mean teacher'),
    rows.mean_teacher(RECIPE, fourier),
    rows.mean_teacher('mean teacher, whole images, gentle', whole, gentle),
    rows.mean_teacher('MIC', masked),
    rows.mean_teacher('MIC, whole images', whole, masked),
    rows.mean_teacher('DAFormer', daformer),
    rows.mean_teacher('heavy teacher', heavy_teacher, taught_by=LARGE),
    rows.continued('colors', colors),
    rows.continued('Fourier', fourier),
    rows.continued('Fourier and colors', fourier, colors),
    rows.continued('rare classes', rare_classes),
    rows.source_free('no source: BatchNorm', batch_norm),
    rows.source_free('no source: Tent', tent),
    rows.source_free('no source: own medians', own_medians),
    rows.mean_teacher('no source: mean teacher', rows.target_alone),
]
trained = [
    Row('source', SOURCE, [trained_for(rows.epochs)]),
    rows.continued(CONTROL),
    Row(LARGE, SOURCE, [large, trained_for(rows.epochs)]),
    *adapted,
    Row(STYLED, SOURCE, [trained_for(rows.epochs), fourier]),
    # As many steps as of the control from its beginning.
    Row('oracle', SOURCE, [trained_for(8), real_labels]),
    Row(ALIKE, SOURCE, [trained_for(rows.epochs), pixels_alike]),
    Row(ONE_LOOK, SOURCE, [trained_for(rows.epochs), one_look, pixels_alike]),
]
names = [row.name for row in adapted]
chosen_on = [
    Row(f'{row.name}; 0006R0', SOURCE, [on_target_frames], of=row.name)
    for row in trained
]
study = Study(
    'Drawn streets to real ones',
    'Source: 400 drawn streets of the varied look, 320x240, 19 classes mapped by name to '
    "CamVid's 11 (`one look`: the game look alone). Target: the 305 CamVid day frames of "
    '`0006R0` and `0016E5` in the training list, as images only; evaluated on the 101 '
    'frames of `0016E5` in the validation list. BiSeNet-Lite0 with ImageNet weights, '
    'full width, crops of 256x192, batches of 6, AdamW, losses weighed by '
    '`ClassWeightHook` but in the rows of `264 steps`. `source` trains for 264 steps at 2e-3; every row of adaptation goes on from it for 132 more at '
    '1e-3, and so does its control, `source, longer`, on source labels alone; rows of '
    '`no source` for 150 steps of target images alone, and `BatchNorm` for none. The '
    'heavy teacher is SegFormer on EfficientNet-Lite2, which the source trained for 264 '
    'steps. All figures are of averaged weights (`EMAHook`, 100 steps wide), of the last '
    'step. Labels of `0006R0` are there for choices without the evaluated frames.',
    seeds=(0, 1, 2),
    rows=[*trained, *chosen_on],
    changes=[averaged],
    tables=[
        Table(
            'Results',
            [row.name for row in trained],
            {'mIoU': 'mIoU', 'aAcc': 'aAcc'},
            by_class='iou',
        ),
        Table(
            'On the frames that choices are made on',
            [row.name for row in chosen_on],
            {'mIoU': 'mIoU'},
        ),
        Table(
            'What the discriminator has learned',
            ['DSC'],
            DISCRIMINATOR,
            note='Over the last steps. One that cannot tell the domains apart has a loss '
            'of 0.6931; the adversarial gradient is a part of that of the source loss, '
            'in the decode head.',
        ),
    ],
    differences=[
        Differences('Every method against its control', [(n, CONTROL) for n in names]),
        Differences(
            'Without the source, against the network that it begins with',
            [(n, 'source') for n in names if n.startswith('no source')],
        ),
        Differences("In the target's style from the beginning", [(STYLED, 'source')]),
        Differences(
            'The drawn world, and what its classes weigh',
            [(ALIKE, ONE_LOOK), ('source', ALIKE)],
        ),
        Differences(
            'Who teaches the light network', [('heavy teacher', 'mean teacher')]
        ),
    ],
    gaps=[Gap('Share of the gap to the oracle', CONTROL, 'oracle', names)],
    plots=[Plot('Methods', 'bars', [row.name for row in trained])],
    decimals=dict(zip(DISCRIMINATOR, (4, 2, 2, 4), strict=True)),
)
