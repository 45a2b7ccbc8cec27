"""Paper B on its own data, where they are at hand."""

from mmengine.config import Config

from studies.changes import poly
from studies.paper_b import (
    FRAME_SHARES,
    LABEL_SHARES,
    PANOPTIC,
    TABLE_8,
    evaluated_again,
    plan_options,
    published_table,
    share,
    share_plots,
    students_start,
)
from studies.study import Row, Study

PLAN = 'configs/naive_student/naive-student_x71-wr41-wr41_cityscapes-1025x2049.py'
NETWORK = 'configs/panoptic_deeplab/panoptic-deeplab_{}_{}-1025x2049.py'
#: Of 4 images for one step of the optimizer.
BATCHES = 8
ACCUMULATED = {'optim_wrapper.accumulative_counts': BATCHES}
X71, WR41 = 'X-71, Mapillary Vistas', 'WR-41, Mapillary Vistas'

ROUNDS = Config.fromfile(PLAN).to_dict()['rounds']
for entry in ROUNDS:
    for part in (entry['teacher'], entry['student'], entry['finetune']):
        part['steps'] *= BATCHES
        part['options'] = dict(part.get('options', {}), **ACCUMULATED)
STUDENT = dict(ROUNDS[0]['student'], config=NETWORK.format('x71', 'cityscapes'))
X71_ROUND = dict(ROUNDS[0], student=STUDENT)
WITHOUT_VAL = dict(X71_ROUND, teacher=None)
FROM_IMAGENET = dict(WITHOUT_VAL, student=dict(STUDENT, init=None))
AGAIN = dict(ROUNDS[1], student=dict(ROUNDS[1]['student'], init='previous student'))


def training(name, network, data='cityscapes', start=None, **options):
    """60,000 steps of the optimizer."""
    steps = dict(ACCUMULATED, param_scheduler=[poly(60000 * BATCHES, by_epoch=False)])
    options = {**steps, **plan_options(**options)}
    starts = {} if start is None else {start: ['load_from']}
    return Row(name, NETWORK.format(network, data), [options], starts)


def plan(name, rounds=(X71_ROUND,), teacher='X-71, pretrained', start=X71, **options):
    """Students start from a pretraining, or from ImageNet, as a teacher that is None."""
    if len(rounds) == 1:
        # Its labels are for the teacher of a second round.
        options['unlabeled__val_sequence'] = None
    options = plan_options(
        rounds=[*rounds],
        teacher__init=None,
        teacher__steps=60000 * BATCHES,
        teacher__options=ACCUMULATED,
        **options,
    )
    starts = {} if start is None else {start: students_start(rounds)}
    if teacher is not None:
        starts[teacher] = ['teacher.checkpoint']
    return Row(name, PLAN, [options], starts, plan=True)


SEQUENCE = dict(unlabeled__extra=None)
ONE_GRID = dict(model__backbone__multi_grid=None)
NO_DROP = dict(model__backbone__drop_path_survival=1.0)
BEST = 'WR-41, drop path, multi-grid'
VIEWS = {'flip': {'tta_model.scales': (1.0,)}, 'flip and scales': {}}
rows = [
    training(X71, 'x71', 'mapillary'),
    training(WR41, 'wr41', 'mapillary'),
    training('X-71', 'x71'),
    training('X-71, pretrained', 'x71', start=X71),
    training('WR-41, pretrained', 'wr41', start=WR41),
    plan('Naive-Student', ROUNDS, start=WR41),
    plan('dagger', [ROUNDS[0], AGAIN], start=WR41),
    plan('all choices', **SEQUENCE),
    plan('without Void-Ego-Car', unlabeled__sequence__ego_car=None, **SEQUENCE),
    plan('without Test-Aug', labeling__tta=False, **SEQUENCE),
    plan('without Val-Fine', [WITHOUT_VAL], **SEQUENCE),
    # The teacher of Table 4 has no Mapillary Vistas either.
    plan('without pretraining', teacher='X-71', **SEQUENCE),
    plan('train-fine and train-sequence', teacher='X-71', mix_labeled=True, **SEQUENCE),
    plan('train-sequence and train-extra', teacher='X-71'),
    *(
        plan(
            f'{part} % of the labels',
            [FROM_IMAGENET],
            teacher=None,
            start=None,
            labeled__share=share(part),
            by_step=True,
        )
        for part in LABEL_SHARES
    ),
    plan('all labels', [FROM_IMAGENET], teacher=None, start=None, by_step=True),
    plan('all frames', teacher='X-71', by_step=True),
    *(
        plan(
            f'{part} % of the frames',
            teacher='X-71',
            unlabeled__sequence__share=share(part),
            unlabeled__extra__share=share(part),
            by_step=True,
        )
        for part in FRAME_SHARES
    ),
    *(
        training(f'WR-{network[2:]}{part}', network, **options)
        for network in ('wr38', 'wr41')
        for part, options in (
            ('', {**ONE_GRID, **NO_DROP}),
            (', drop path', ONE_GRID),
            (', drop path, multi-grid', {}),
        )
    ),
    *evaluated_again(BEST, VIEWS),
    *evaluated_again('WR-41, pretrained', VIEWS),
]
study = Study(
    'Cityscapes: Naive-Student',
    'Tables 1, 3, 4, 5, 8 and 9 and Figures 5 and 6 of "Naive-Student", with the networks, '
    'data and lengths of training of the paper. Every training is one process: gradients '
    'of 8 batches of 4 are averaged, and BatchNorm sees 4 images at once where the paper '
    'has 32 in 8 devices. Cityscapes and '
    'Mapillary Vistas are licence-gated.',
    (0, 1, 2),
    rows,
    tables=[
        published_table(
            'Iterating (Table 1)',
            {
                'X-71, pretrained': (65.3, 38.8, 82.5),
                'Naive-Student, round 1': (69.1, 41.9, 85.7),
                'Naive-Student, round 2': (70.4, 43.4, 86.5),
                'dagger, round 2': (70.8, 44.3, 86.7),
            },
            by_class='pq',
        ),
        published_table(
            'Making pseudo labels (Table 3)',
            {
                'all choices, round 1': (67.5, 39.8, 83.7),
                'without Void-Ego-Car, round 1': (66.8, 39.3, 83.3),
                'without Test-Aug, round 1': (66.7, 38.7, 82.8),
                'without Val-Fine, round 1': (66.1, 38.6, 82.4),
                'without pretraining, round 1': (65.3, 37.6, 82.2),
            },
            note='All choices: the teacher, pretrained on Mapillary Vistas, is fine-tuned '
            'on the validation images too.',
        ),
        published_table(
            'What a student is trained on (Table 4)',
            {
                'X-71': (63.1, 35.2, 80.1),
                'without pretraining, round 1': (65.3, 37.6, 82.2),
                'train-fine and train-sequence, round 1': (65.2, 37.3, 82.0),
                'train-sequence and train-extra, round 1': (66.9, 40.2, 84.2),
            },
            note='Teachers without Mapillary Vistas.',
        ),
        published_table(
            'Supervised, semi-supervised, iterative (Table 5)',
            {
                BEST: (64.0, 38.0, 80.7),
                'Naive-Student, round 1': (69.1, 42.4, 85.9),
                'Naive-Student, round 2': (70.4, 43.4, 86.1),
            },
        ),
        published_table('Backbones (Table 8)', TABLE_8),
        published_table(
            'Test-time augmentation (Table 9)',
            {
                BEST: (64.0, 38.0, 80.7),
                f'{BEST}, flip': (64.5, 39.3, 81.2),
                f'{BEST}, flip and scales': (65.0, 40.7, 81.4),
                'WR-41, pretrained': (66.5, 41.5, 83.4),
                'WR-41, pretrained, flip': (66.7, 41.8, 83.7),
                'WR-41, pretrained, flip and scales': (67.3, 43.4, 83.8),
            },
        ),
    ],
    plots=share_plots(
        [*PANOPTIC],
        'all labels, supervised',
        'all labels, round 1',
        'all frames, round 1',
        'X-71',
    ),
)
