"""From day to dusk, real streets on both sides: what adapts a network that has learned."""

from __future__ import annotations

from mmengine.config import Config

from studies.changes import trained_for
from studies.pair_rows import (
    DISCRIMINATOR,
    PairRows,
    averaged,
    batch_norm,
    certain,
    gentle,
    masked,
    own_medians,
    pseudo_labels,
    rare_classes,
    restyled,
    tent,
    whole,
)
from studies.study import Differences, Plot, Row, Study, Table

SOURCE = 'configs/supervised/supervised_bisenetv1-lite0_camvid-day-192x256.py'
#: Epochs of 51 steps, of the 305 day frames in batches of 6; of the 31 of dusk, 6.
rows = PairRows('camvid-day2dusk-192x256', SOURCE, epochs=8, after=2, alone=12)
TARGET = dict(
    type='CamVidImagesDataset',
    data_root='data/camvid',
    images='images/train',
    sequences=('0001TP',),
    frames=(0.0, 0.5),
)
colors = restyled(
    TARGET, 3, dict(type='ColorStatistics', strength=(0.0, 1.0), prob=0.8)
)
fourier = restyled(TARGET, 3, dict(type='FourierStyle', beta=0.02, prob=0.5))


def classes_weighed(cfg: Config) -> None:
    """Change: rare classes weigh more; rows of adaptation do the same."""
    cfg.default_hooks.class_weights = dict(type='ClassWeightHook')


def on_target_frames(cfg: Config) -> None:
    """Change: evaluated on the half that is adapted to, for choosing alone."""
    cfg.test_dataloader.dataset.frames = TARGET['frames']


CONTROL = 'source, longer'
adapted = [
    rows.continued('colors', colors),
    rows.continued('Fourier', fourier),
    rows.continued('Fourier and colors', fourier, colors),
    rows.continued('rare classes', rare_classes),
    rows.adversarial('DSC', {'model.adv_weight': 0.01}),
    rows.adversarial('entropy', certain),
    rows.adversarial('pseudo labels', pseudo_labels),
    rows.mean_teacher('mean teacher'),
    rows.mean_teacher('mean teacher, whole images, gentle', whole, gentle),
    rows.mean_teacher('MIC', masked),
    rows.source_free('no source: BatchNorm', batch_norm),
    rows.source_free('no source: Tent', tent),
    rows.source_free('no source: own medians', own_medians),
]
trained = [
    Row('source', SOURCE, [trained_for(rows.epochs)]),
    rows.continued(CONTROL),
    *adapted,
]
names = [row.name for row in adapted]
chosen_on = [
    Row(f'{row.name}; first half', SOURCE, [on_target_frames], of=row.name)
    for row in trained
]
study = Study(
    'Day to dusk',
    'Source: the 305 labelled CamVid day frames of `0006R0` and `0016E5` in the training '
    'list, 320x240. Target: the first half in time of the dusk sequence `0001TP`, 31 '
    'frames as images only; evaluated on its second half, 31 frames. BiSeNet-Lite0 with '
    'ImageNet weights, full width, crops of 256x192, batches of 6, AdamW, losses weighed '
    'by `ClassWeightHook`. `source` '
    'trains for 408 steps at 2e-3; every row of adaptation goes on from it for 102 more '
    'at 1e-3, and so does its control, `source, longer`, on source labels alone; rows of '
    '`no source` for 72 steps of target images alone, and `BatchNorm` for none. All '
    'figures are of averaged weights (`EMAHook`, 100 steps wide), of the last step. '
    'Labels of the first half are there for choices without the evaluated frames.',
    seeds=(0, 1, 2),
    rows=[*trained, *chosen_on],
    changes=[averaged, classes_weighed],
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
        Table('What the discriminator has learned', ['DSC'], DISCRIMINATOR),
    ],
    differences=[
        Differences('Every method against its control', [(n, CONTROL) for n in names])
    ],
    plots=[Plot('Methods', 'bars', [row.name for row in trained])],
    decimals=dict(zip(DISCRIMINATOR, (4, 2, 2, 4), strict=True)),
)
