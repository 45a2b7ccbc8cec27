"""Paper A on its own data, where they are at hand."""

from __future__ import annotations

from dataclasses import replace

from studies.changes import distorted
from studies.study import Change, Differences, Gap, Plot, Row, Study, Table

PAIR = 'bisenetv1-r18_gta2cs-512x1024'
ORACLE = 'configs/supervised/supervised_bisenetv1-{}_cityscapes-512x1024.py'
STUDENT = 'model.student_checkpoint.checkpoint'
TEACHER = 'model.teacher_checkpoint.checkpoint'
FRESH, CONTINUED = 'custom_hooks.1.checkpoint', 'model.generator.checkpoint'
FIGURES = {'mIoU': 'mIoU', 'aAcc': 'aAcc', 'pixel_precision': 'precision per pixel'}


def row(name: str, config: str, *keys: str, after: str = '', **changes: object) -> Row:
    """A row of a config of :data:`PAIR`; ``keys`` take the checkpoint of ``after``."""
    start = {after: keys} if after else {}
    changed: list[Change] = [{k.replace('__', '.'): v for k, v in changes.items()}]
    return Row(name, f'configs/{config}_{PAIR}.py', changed if changes else (), start)


def optimizer(name: str, of: str, type: str, lr: float, **settings: object) -> Row:
    """Another row with another optimizer in the place of its own."""
    settings = dict(settings, type=type, lr=lr, _delete_=True)
    key = 'optim_wrapper.discriminator' if of == 'DSC' else 'optim_wrapper'
    changes = [{f'{key}.optimizer': settings}]
    return replace(ROWS[of], name=name, changes=changes)


ROWS = {
    part.name: part
    for part in (
        Row(
            'source-only',
            'configs/supervised/supervised_bisenetv1-r18_gta5-720x1280.py',
        ),
        row('FCD', 'adversarial/adversarial-fcd'),
        row('DSC', 'adversarial/adversarial-dsc'),
        row('DSC + PL', 'pseudo_label/pseudo-label-fresh-dsc', FRESH, after='DSC'),
        row(
            'DSC + PL, continued',
            'pseudo_label/pseudo-label-dsc',
            CONTINUED,
            after='DSC',
        ),
        row('DSC + MPL', 'mpl/mpl-product-dsc', TEACHER, after='DSC + PL'),
        row(
            'DSC + MPL (loss change)',
            'mpl/mpl-change-dsc',
            TEACHER,
            after='DSC + PL',
        ),
        row(
            'DSC + MPL (gradient)',
            'mpl/mpl-gradient-dsc',
            TEACHER,
            after='DSC + PL',
        ),
        row(
            'DSC + MPL, student pretrained',
            'mpl/mpl-product-dsc',
            STUDENT,
            TEACHER,
            after='DSC',
        ),
        row('mean teacher', 'mean_teacher/mean-teacher'),
        row('MIC', 'mic/mic'),
        Row('oracle', ORACLE.format('r18')),
        Row('oracle, R101', ORACLE.format('r101')),
    )
}
AUGMENTED = [
    replace(
        ROWS[name],
        name=f'{name} + aug',
        changes=[distorted],
        start={f'{k} + aug': keys for k, keys in ROWS[name].start.items()},
    )
    for name in ('source-only', 'DSC', 'DSC + PL', 'DSC + MPL', 'mean teacher', 'MIC')
]
# The paper gives no rates of Adam and RMSprop.
OPTIMIZERS = [
    optimizer('oracle, Adam', 'oracle', 'Adam', 1e-3, weight_decay=1e-4),
    optimizer(
        'oracle, RMSprop', 'oracle', 'RMSprop', 1e-3, momentum=0.9, weight_decay=1e-4
    ),
    optimizer('D with SGD', 'DSC', 'SGD', 1e-4, momentum=0.9, weight_decay=1e-4),
    optimizer('D with RMSprop', 'DSC', 'RMSprop', 1e-4),
]
RATES = [
    replace(
        ROWS['DSC + PL'],
        name=f'DSC + PL, lr {rate}',
        changes=[{'optim_wrapper.generator.optimizer.lr': float(rate)}],
    )
    for rate in ('2.5e-2', '5e-2', '2.5e-4')
]
methods = [name for name in ROWS if not name.startswith('oracle')]
augmented = [part.name for part in AUGMENTED]
first, second, rates = (
    [of, *(part.name for part in rows)]
    for of, rows in (
        ('oracle', OPTIMIZERS[:2]),
        ('DSC', OPTIMIZERS[2:]),
        ('DSC + PL', RATES),
    )
)
study = Study(
    'GTA5 to Cityscapes',
    'Source: 500 labelled images of GTA5 at 1280x720. Target: 500 images of Cityscapes '
    'train at 1024x512, without labels; evaluated on 250 of Cityscapes val at the same '
    'size. 19 classes, batches of 4, 50 epochs, BiSeNet-R18. Students of pseudo labels '
    'start from ImageNet and the teacher of MPL from `DSC + PL`, as in the paper; '
    '`continued` goes on from DSC, and so does a `student pretrained` with its teacher. '
    '`aug`: photometric distortion of the source images. Both data sets are '
    'licence-gated. Costs of the discriminators (Table II): [networks](networks.md).',
    seeds=(0, 1, 2),
    rows=[*ROWS.values(), *AUGMENTED, *OPTIMIZERS, *RATES],
    tables=[
        Table(
            'Methods (paper A, Table I)',
            [*ROWS, *augmented],
            FIGURES,
            by_class='iou',
            published={
                'oracle': (45.6, None, 71.5),
                'oracle, R101': (54.7, None, 80.5),
                'FCD': (28.8, None, 66.8),
                'DSC': (30.7, None, 70.6),
                'DSC + PL': (32.2, None, 73.4),
                'DSC + MPL': (32.5, None, 72.0),
            },
        ),
        Table('Optimizers of the supervised network (Figure 4)', first, FIGURES),
        Table('Optimizers of the discriminator (Figure 6)', second, FIGURES),
        Table('Learning rates of pseudo labels (Figure 7)', rates, FIGURES),
    ],
    differences=[
        Differences(
            'What each step adds',
            [
                ('FCD', 'source-only'),
                ('DSC', 'FCD'),
                ('DSC + PL', 'DSC'),
                ('DSC + PL', 'DSC + PL, continued'),
                ('DSC + MPL', 'DSC + PL'),
                ('DSC + MPL (loss change)', 'DSC + MPL'),
                ('DSC + MPL (gradient)', 'DSC + MPL'),
                ('DSC + MPL', 'DSC + MPL, student pretrained'),
                *((name, 'source-only + aug') for name in augmented[1:]),
            ],
        )
    ],
    gaps=[Gap('Share of the gap to the oracle', 'source-only', 'oracle', methods[1:])],
    plots=[
        Plot('Figure 5', 'curves', ['FCD', 'DSC']),
        Plot('Figure 8', 'curves', ['DSC', 'DSC + PL', 'DSC + MPL']),
        Plot('Figure 4', 'curves', first),
        Plot('Figure 6', 'curves', second),
        Plot('Figure 7', 'curves', rates),
    ],
)
