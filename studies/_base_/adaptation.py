# What the experiments on adaptation share: seeds, tables, comparisons and plots.
_base_ = './discriminators.py'
seeds = [0, 1, 2, 3, 4]

_rows = [
    'source-only',
    'source-only + aug',
    'FCD',
    'FCD + aug',
    'DSC',
    'DSC + aug',
    'DSC + PL',
    'DSC + PL + aug',
    'DSC + MPL',
    'DSC + MPL + aug',
    'DSC + MPL (loss change)',
    'DSC + MPL (loss change) + aug',
    'mean teacher',
    'mean teacher + aug',
    'source-only + aug + BatchNorm',
    'source-only + aug + colors',
    'source-only + target look',
    'source-only + target look + rare classes',
    'DSC + target look',
    'DSC + PL + target look',
    'mean teacher + target look',
    'oracle',
    'source-only + aug, long',
    'source-only + target look, long',
    'DSC + target look, long',
    'DSC + PL + target look, long',
    'oracle, long',
]
_adapted = [
    name
    for name in _rows
    if name not in ('source-only', 'source-only + aug', 'oracle')
    and not name.endswith(', long')
]
_adapted_long = [
    'source-only + target look, long',
    'DSC + target look, long',
    'DSC + PL + target look, long',
]
tables = [
    dict(
        name='table_1',
        title='Methods (paper A, Table I)',
        runs=_rows,
        figures={
            'mIoU': 'mIoU',
            'aAcc': 'aAcc',
            'pixel_precision': 'precision per pixel',
        },
        per_class='iou',
        published={
            'oracle': dict(mIoU=45.6, pixel_precision=71.5),
            'FCD': dict(mIoU=28.8, pixel_precision=66.8),
            'DSC': dict(mIoU=30.7, pixel_precision=70.6),
            'DSC + PL': dict(mIoU=32.2, pixel_precision=73.4),
            'DSC + MPL': dict(mIoU=32.5, pixel_precision=72.0),
        },
        note='The figures of the paper are of GTA5 to Cityscapes at 1024x512 with networks '
        'pretrained on ImageNet (its oracle: ResNet-18): other data and longer trainings, so '
        'that only the order of the rows can be compared.',
    ),
    dict(
        _base_._discriminators,
        runs=[
            'FCD',
            'FCD + aug',
            'DSC',
            'DSC + aug',
            'DSC + target look',
            'DSC + PL',
            'DSC + PL + aug',
            'DSC + PL + target look',
            'DSC + target look, long',
            'DSC + PL + target look, long',
        ],
    ),
]
comparisons = [
    dict(
        name='over_augmented_source',
        title='Every method against source-only with augmentation',
        figure='mIoU',
        pairs=[(name, 'source-only + aug') for name in ['source-only', *_adapted]],
    ),
    dict(
        name='steps',
        title='What each step of the paper adds',
        figure='mIoU',
        pairs=[
            ('FCD', 'source-only'),
            ('DSC', 'source-only'),
            ('DSC', 'FCD'),
            ('DSC + PL', 'DSC'),
            ('DSC + MPL', 'DSC'),
            ('DSC + MPL', 'DSC + PL'),
            ('DSC + MPL (loss change)', 'DSC + MPL'),
            ('FCD + aug', 'source-only + aug'),
            ('DSC + aug', 'source-only + aug'),
            ('DSC + PL + aug', 'DSC + aug'),
            ('DSC + MPL + aug', 'DSC + aug'),
            ('DSC + MPL (loss change) + aug', 'DSC + aug'),
            ('source-only + aug + BatchNorm', 'source-only + aug'),
            ('source-only + aug + colors', 'source-only + aug'),
            ('source-only + target look', 'source-only + aug + BatchNorm'),
            ('source-only + target look', 'source-only + aug + colors'),
            ('source-only + target look + rare classes', 'source-only + target look'),
            ('DSC + target look', 'source-only + target look'),
            ('DSC + PL + target look', 'DSC + target look'),
            ('mean teacher + target look', 'DSC + target look'),
            ('source-only + aug, long', 'source-only + aug'),
            ('source-only + target look, long', 'source-only + target look'),
            ('oracle, long', 'oracle'),
            *[(name, 'source-only + aug, long') for name in _adapted_long],
            *[(name, 'source-only + aug') for name in _adapted_long],
        ],
    ),
]
gaps = [
    dict(
        name='closed',
        title='Share of the gap from source-only with augmentation to the oracle that is closed',
        figure='mIoU',
        lower='source-only + aug',
        upper='oracle',
        runs=_adapted,
    ),
    dict(
        name='closed_long',
        title='The same in trainings three times as long',
        figure='mIoU',
        lower='source-only + aug, long',
        upper='oracle, long',
        runs=_adapted_long,
    ),
]
plots = [
    dict(
        name='methods',
        title='mIoU of all methods',
        kind='bars',
        figure='mIoU',
        runs=_rows,
    ),
    dict(
        name='figure_5',
        title='FCD and DSC (paper A, Figure 5)',
        kind='curves',
        figure='mIoU',
        runs=['FCD', 'DSC'],
    ),
    dict(
        name='figure_8',
        title='DSC, pseudo labels and Meta Pseudo Labels (paper A, Figure 8)',
        kind='curves',
        figure='mIoU',
        runs=['DSC', 'DSC + PL', 'DSC + MPL', 'DSC + MPL (loss change)'],
        note='PL and MPL go on from the end of DSC, and are drawn from epoch 0 again.',
    ),
]
rules = dict(
    name='selection',
    title='Choosing a checkpoint without target labels',
    figure='mIoU',
    runs=[name for name in _rows if not name.startswith('oracle')],
    rules={
        'entropy on the target': dict(figure='target_entropy', rule='less'),
        'information on the target': dict(figure='target_information', rule='greater'),
        'source validation': dict(figure='source_mIoU', rule='greater'),
    },
)
