"""Paper B on real video, whose labels are semantic."""

from mmengine.config import Config

from studies.paper_b import (
    FRAME_SHARES,
    LABEL_SHARES,
    TABLE_8,
    evaluated_again,
    plan_options,
    published_table,
    share,
    share_plots,
    slim_backbones,
)
from studies.study import Differences, Row, Study
from studies.worlds import poly, quarter_bisenet

CONFIG = 'configs/supervised/supervised_bisenetv1-r18_camvid-day-144x192.py'
PLAN = 'configs/naive_student/naive-student_bisenetv1-r18_camvid-144x192.py'
FIGURES = {'mIoU': 'mIoU', 'pixel_precision': 'precision per pixel'}
plan_file = Config.fromfile(PLAN).to_dict()
small = quarter_bisenet(num_classes=11)
evaluated = {
    'test_dataloader.dataset': plan_file['evaluation']['dataset'],
    'val_dataloader.dataset': plan_file['evaluation']['dataset'],
}
(ROUND,) = plan_file['rounds']
ROUND['student']['options'] = dict(model=small)
AGAIN = dict(ROUND, student=dict(ROUND['student'], init='previous student'))


def plan(name, rounds=(ROUND,), teacher='supervised', **options):
    """A plan whose teacher is trained already, or by the plan itself."""
    options = plan_options(rounds=[*rounds], **options)
    options['teacher.options'] = dict(model=small)
    start = {} if teacher is None else {teacher: ['teacher.checkpoint']}
    return Row(name, PLAN, [options], start, plan=True)


load, augment = Config.fromfile(CONFIG).to_dict()['tta_pipeline']
scales, flips, *rest = augment['transforms']
VIEWS = {
    name: {'tta_pipeline': [load, dict(augment, transforms=[*transforms, *rest])]}
    for name, transforms in {
        'flip': (scales[1:2], flips),
        'scales': (scales, flips[:1]),
        'flip and scales': (scales, flips),
    }.items()
}
# Of Table 8: an eighth of the channels, on all labels.
HEAD = dict(
    _delete_=True,
    type='DepthwiseSeparableASPPHead',
    in_index=2,
    channels=64,
    dilations=(1, 2, 3, 5),
    c1_in_channels=32,
    c1_channels=24,
    num_classes=11,
    dropout_ratio=0.1,
    norm_cfg=small['decode_head']['norm_cfg'],
    align_corners=False,
    loss_decode=small['decode_head']['loss_decode'],
)
rows = [
    Row(
        'supervised',
        CONFIG,
        [
            {
                'model': small,
                'train_dataloader.dataset.sequences': None,
                'train_dataloader.dataset.every': 10,
                **evaluated,
                'train_cfg.max_epochs': 27,
                'train_cfg.val_interval': 27,
                'param_scheduler': [poly(28)],
            }
        ],
    ),
    plan('Naive-Student', [ROUND, ROUND]),
    plan('dagger', [ROUND, AGAIN]),
    plan('without Void-Ego-Car', unlabeled__others__ego_car=None),
    plan('without Test-Aug', labeling__tta=False),
    plan('labelled and unlabelled frames', mix_labeled=True),
    plan('all labels', teacher=None, by_step=True),
    *(
        plan(
            f'{part} % of the labels',
            teacher=None,
            labeled__share=share(part),
            by_step=True,
        )
        for part in LABEL_SHARES
    ),
    *(
        plan(
            f'{part} % of the frames',
            unlabeled__others__share=share(part),
            by_step=True,
        )
        for part in FRAME_SHARES
    ),
    *evaluated_again('supervised', VIEWS),
    *(
        Row(
            name,
            CONFIG,
            [
                {
                    'train_dataloader.dataset.sequences': None,
                    **evaluated,
                    'model.backbone': backbone,
                    'model.decode_head': dict(HEAD, in_channels=channels),
                    'model.auxiliary_head': None,
                }
            ],
        )
        for name, (backbone, channels) in slim_backbones().items()
    ),
]
ROUND_1, ROUND_2 = 'Naive-Student, round 1', 'Naive-Student, round 2'
study = Study(
    'CamVid: Naive-Student',
    'Tables 1, 3, 4, 5, 8 and 9 and Figures 5 and 6 of "Naive-Student", on CamVid, whose '
    'labels are semantic: every tenth of the 367 training frames is labelled, the other '
    '330 are the unlabelled video, and the 101 validation frames are evaluated on. 11 '
    'classes, 480x360, trained at 192x144 in batches of 4. Teacher and student are '
    'BiSeNet-R18 with a quarter of its channels, from scratch. A teacher trains for 243 '
    'steps, a student for 180 on pseudo labels and 60 on human ones. The backbones of '
    'Table 8 stand under the head of DeepLabV3+. Figures 5 and 6, at equal steps, were not '
    'run.',
    (0, 1, 2),
    rows,
    tables=[
        published_table(
            'Iterating (Table 1)',
            {
                'supervised': (65.3, 38.8, 82.5),
                ROUND_1: (69.1, 41.9, 85.7),
                ROUND_2: (70.4, 43.4, 86.5),
                'dagger, round 2': (70.8, 44.3, 86.7),
            },
            FIGURES,
            'Dagger: the second student goes on from the first.',
            by_class='iou',
        ),
        published_table(
            'Making pseudo labels (Table 3)',
            {
                ROUND_1: None,
                'without Void-Ego-Car, round 1': None,
                'without Test-Aug, round 1': None,
            },
            FIGURES,
            'Here the teacher has neither Val-Fine nor a pretraining; every row of the '
            'paper has one of them. There, the two choices gain 0.4 and 0.9 mIoU.',
        ),
        published_table(
            'What a student is trained on (Table 4)',
            {
                'supervised': (63.1, 35.2, 80.1),
                ROUND_1: (65.3, 37.6, 82.2),
                'labelled and unlabelled frames, round 1': (65.2, 37.3, 82.0),
            },
            FIGURES,
        ),
        published_table(
            'Supervised, semi-supervised, iterative (Table 5)',
            {
                'supervised': (64.0, 38.0, 80.7),
                ROUND_1: (69.1, 42.4, 85.9),
                ROUND_2: (70.4, 43.4, 86.1),
            },
            FIGURES,
        ),
        published_table(
            'Backbones (Table 8)',
            TABLE_8,
            FIGURES,
            'Here: an eighth of the channels, from scratch, 364 steps.',
        ),
        published_table(
            'Test-time augmentation (Table 9)',
            {
                'supervised': (64.0, 38.0, 80.7),
                'supervised, flip': (64.5, 39.3, 81.2),
                'supervised, scales': None,
                'supervised, flip and scales': (65.0, 40.7, 81.4),
            },
            FIGURES,
            'Scales are 0.75, 1 and 1.25, those of the paper 0.5 to 2.',
        ),
    ],
    differences=[
        Differences(
            'Differences',
            [
                (ROUND_1, 'supervised'),
                (ROUND_2, ROUND_1),
                ('dagger, round 2', ROUND_2),
                *(
                    (f'{name}, round 1', ROUND_1)
                    for name in (
                        'without Void-Ego-Car',
                        'without Test-Aug',
                        'labelled and unlabelled frames',
                    )
                ),
                *(
                    tuple(f'{part} labels, {x}' for x in ('round 1', 'supervised'))
                    for part in (*(f'{part} % of the' for part in LABEL_SHARES), 'all')
                ),
                ('WR-41, drop path, multi-grid', 'WR-38, drop path, multi-grid'),
                ('supervised, flip and scales', 'supervised'),
            ],
        )
    ],
    plots=share_plots(['mIoU'], 'all labels, supervised', 'all labels, round 1'),
)
