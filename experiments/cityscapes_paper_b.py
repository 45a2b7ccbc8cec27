# The tables and figures of paper B on its own data, where they are at hand.
from mmengine.config import Config as _Config

title = 'Cityscapes: Naive-Student'
introduction = (
    'Tables 1, 3, 4, 5, 8 and 9 and Figures 5 and 6 of "Naive-Student: Leveraging Semi-Supervised '
    'Learning in Video Sequences for Urban Scene Segmentation", with the networks, data and lengths of '
    'training of the paper. Every training is one process: gradients of 8 batches of 4 are averaged, '
    'and BatchNorm sees 4 images at once where the paper has 32 in 8 devices. The teacher does not see the '
    'validation images; the row without Val-Fine is what all others are here, and is left out. '
    'Cityscapes and Mapillary Vistas are licence-gated.'
)
seeds = [0, 1, 2]

_plan_file = 'configs/naive_student/naive-student_x71-wr41-wr41_cityscapes-1025x2049.py'
_networks = {
    name: f'configs/panoptic_deeplab/panoptic-deeplab_{name}_{{}}-1025x2049.py'
    for name in ('x71', 'wr38', 'wr41')
}
# Batches for one step of the optimizer.
_batches = 8


def _steps(number):
    """Options for a training of so many steps of the optimizer."""
    poly = dict(
        type='PolyLR',
        power=0.9,
        eta_min=0,
        begin=0,
        end=number * _batches,
        by_epoch=False,
    )
    return {'optim_wrapper.accumulative_counts': _batches, 'param_scheduler': [poly]}


def _training(network, data='cityscapes', start=None, **options):
    options = {
        **_steps(60000),
        **{key.replace('__', '.'): value for key, value in options.items()},
    }
    needed = [] if start is None else [dict(run=start, keys=['load_from'])]
    return dict(
        config=_networks[network].format(data), options=options, start_from=needed
    )


_rounds = _Config.fromfile(_plan_file).to_dict()['rounds']
for _round in _rounds:
    for _part in (_round['student'], _round['finetune']):
        _part['steps'] *= _batches
        _part['options'] = dict(
            _part.get('options', {}), **{'optim_wrapper.accumulative_counts': _batches}
        )
_x71_round = dict(
    _rounds[0],
    student=dict(_rounds[0]['student'], config=_networks['x71'].format('cityscapes')),
)
_again = dict(_rounds[1], student=dict(_rounds[1]['student'], init='previous student'))


def _plan(rounds, teacher, start, **options):
    """Students start from a pretraining, or from ImageNet; a teacher that is None does the latter."""
    needed = []
    if start is not None:
        keys = [
            f'rounds.{index}.student.init'
            for index, entry in enumerate(rounds)
            if entry['student']['init'] != 'previous student'
        ]
        needed.append(dict(run=start, keys=keys))
    if teacher is not None:
        needed.append(dict(run=teacher, keys=['teacher.checkpoint']))
    options = {key.replace('__', '.'): value for key, value in options.items()}
    options = {
        'rounds': rounds,
        'teacher.init': None,
        'teacher.steps': 60000 * _batches,
        'teacher.options': {'optim_wrapper.accumulative_counts': _batches},
        **options,
    }
    return dict(kind='plan', config=_plan_file, options=options, start_from=needed)


_sequence_alone = dict(unlabeled__extra=None)
runs = {
    'X-71, Mapillary Vistas': _training('x71', 'mapillary'),
    'WR-41, Mapillary Vistas': _training('wr41', 'mapillary'),
    'X-71': _training('x71'),
    'X-71, pretrained': _training('x71', start='X-71, Mapillary Vistas'),
    'WR-41, pretrained': _training('wr41', start='WR-41, Mapillary Vistas'),
    'Naive-Student': _plan(_rounds, 'X-71, pretrained', 'WR-41, Mapillary Vistas'),
    'dagger': _plan(
        [_rounds[0], _again], 'X-71, pretrained', 'WR-41, Mapillary Vistas'
    ),
    # Table 3.
    'all choices': _plan(
        [_x71_round], 'X-71, pretrained', 'X-71, Mapillary Vistas', **_sequence_alone
    ),
    'without Void-Ego-Car': _plan(
        [_x71_round],
        'X-71, pretrained',
        'X-71, Mapillary Vistas',
        unlabeled__sequence__ego_car=None,
        **_sequence_alone,
    ),
    'without Test-Aug': _plan(
        [_x71_round],
        'X-71, pretrained',
        'X-71, Mapillary Vistas',
        labeling__tta=False,
        **_sequence_alone,
    ),
    'without pretraining': _plan(
        [_x71_round], 'X-71', 'X-71, Mapillary Vistas', **_sequence_alone
    ),
    # Table 4.
    'train-fine and train-sequence': _plan(
        [_x71_round],
        'X-71, pretrained',
        'X-71, Mapillary Vistas',
        mix_labeled=True,
        **_sequence_alone,
    ),
    'train-sequence and train-extra': _plan(
        [_x71_round], 'X-71, pretrained', 'X-71, Mapillary Vistas'
    ),
}
# Figure 5, without Mapillary Vistas: smaller shares are contained in larger ones.
_label_shares = (20, 40, 60, 80)
_from_imagenet = dict(_x71_round, student=dict(_x71_round['student'], init=None))
for _share in _label_shares:
    runs[f'{_share} % of the labels'] = _plan(
        [_from_imagenet], None, None, labeled__share=dict(fraction=_share / 100, seed=0)
    )
runs['all labels'] = _plan([_from_imagenet], 'X-71', None)
# Figure 6.
_frame_shares = (25, 50, 75)
for _share in _frame_shares:
    _fraction = dict(fraction=_share / 100, seed=0)
    runs[f'{_share} % of the frames'] = _plan(
        [_x71_round],
        'X-71, pretrained',
        'X-71, Mapillary Vistas',
        unlabeled__sequence__share=_fraction,
        unlabeled__extra__share=_fraction,
    )
# Table 8.
_backbones = []
for _network in ('wr38', 'wr41'):
    for _part, _options in (
        (', drop path, multi-grid', {}),
        (', drop path', dict(model__backbone__multi_grid=None)),
        (
            '',
            dict(
                model__backbone__multi_grid=None,
                model__backbone__drop_path_survival=1.0,
            ),
        ),
    ):
        _backbones.append(_network.replace('wr', 'WR-') + _part)
        runs[_backbones[-1]] = _training(_network, **_options)
# Table 9.
_best = 'WR-41, drop path, multi-grid'
_views = {'flip': {'tta_model.scales': (1.0,)}, 'flip and scales': {}}
_tested = []
for _trained in (_best, 'WR-41, pretrained'):
    _tested.append(_trained)
    for _name, _options in _views.items():
        _tested.append(f'{_trained}, {_name}')
        runs[_tested[-1]] = dict(
            kind='evaluation', of=_trained, tta=True, options=_options
        )

_figures = {'PQ': 'PQ', 'AP': 'AP', 'mIoU': 'mIoU'}


def _table(name, title, rows, **others):
    published = {
        row: dict(zip(_figures, figures))
        for row, figures in rows.items()
        if figures is not None
    }
    return dict(
        name=name,
        title=title,
        runs=list(rows),
        figures=_figures,
        published=published,
        **others,
    )


tables = [
    _table(
        'table_1',
        'Iterating (Table 1)',
        {
            'X-71, pretrained': (65.3, 38.8, 82.5),
            'Naive-Student, round 1': (69.1, 41.9, 85.7),
            'Naive-Student, round 2': (70.4, 43.4, 86.5),
            'dagger, round 2': (70.8, 44.3, 86.7),
        },
        per_class='pq',
    ),
    _table(
        'table_3',
        'Making pseudo labels (Table 3)',
        {
            'all choices, round 1': (67.5, 39.8, 83.7),
            'without Void-Ego-Car, round 1': (66.8, 39.3, 83.3),
            'without Test-Aug, round 1': (66.7, 38.7, 82.8),
            'without pretraining, round 1': (65.3, 37.6, 82.2),
        },
    ),
    _table(
        'table_4',
        'What a student is trained on (Table 4)',
        {
            'X-71': (63.1, 35.2, 80.1),
            'all choices, round 1': (65.3, 37.6, 82.2),
            'train-fine and train-sequence, round 1': (65.2, 37.3, 82.0),
            'train-sequence and train-extra, round 1': (66.9, 40.2, 84.2),
        },
    ),
    _table(
        'table_5',
        'Supervised, semi-supervised, iterative (Table 5)',
        {
            _best: (64.0, 38.0, 80.7),
            'Naive-Student, round 1': (69.1, 42.4, 85.9),
            'Naive-Student, round 2': (70.4, 43.4, 86.1),
        },
    ),
    _table(
        'table_8',
        'Backbones (Table 8)',
        {
            'WR-38': (62.4, 35.3, 79.1),
            'WR-38, drop path': (62.6, 36.7, 79.5),
            'WR-38, drop path, multi-grid': (63.1, 37.4, 80.1),
            'WR-41': (63.0, 35.5, 80.0),
            'WR-41, drop path': (63.6, 36.8, 80.4),
            'WR-41, drop path, multi-grid': (64.0, 38.0, 80.7),
        },
    ),
    _table(
        'table_9',
        'Test-time augmentation (Table 9)',
        dict(
            zip(
                _tested,
                (
                    (64.0, 38.0, 80.7),
                    (64.5, 39.3, 81.2),
                    (65.0, 40.7, 81.4),
                    (66.5, 41.5, 83.4),
                    (66.7, 41.8, 83.7),
                    (67.3, 43.4, 83.8),
                ),
            )
        ),
    ),
]
plots = []
for _figure in _figures:
    plots += [
        dict(
            name=f'figure_5_{_figure.lower()}',
            title=f'{_figure} with a part of the labels (Figure 5)',
            kind='lines',
            figure=_figure,
            lines={
                'supervised': {
                    **{
                        f'{share} % of the labels, supervised': share
                        for share in _label_shares
                    },
                    'X-71': 100,
                },
                'semi-supervised': {
                    **{
                        f'{share} % of the labels, round 1': share
                        for share in _label_shares
                    },
                    'all labels, round 1': 100,
                },
            },
            xlabel='share of train-fine, %',
        ),
        dict(
            name=f'figure_6_{_figure.lower()}',
            title=f'{_figure} with a part of the unlabelled images (Figure 6)',
            kind='lines',
            figure=_figure,
            lines={
                'semi-supervised': {
                    'X-71, pretrained': 0,
                    **{
                        f'{share} % of the frames, round 1': share
                        for share in _frame_shares
                    },
                    'train-sequence and train-extra, round 1': 100,
                }
            },
            xlabel='share of train-sequence and train-extra, %',
        ),
    ]
