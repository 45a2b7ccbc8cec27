"""Paper B on real video: a tenth of the labels, and a network that knows ImageNet."""

from mmengine.config import Config

from studies.changes import trained_for
from studies.study import Differences, Row, Study, Table

CONFIG = 'configs/supervised/supervised_bisenetv1-lite0_camvid-day-192x256.py'
PLAN = 'configs/naive_student/naive-student_bisenetv1-lite0_camvid-192x256.py'
AVERAGED = {
    'default_hooks.ema': dict(type='EMAHook', momentum=0.01, update_buffers=True)
}
plan_file = Config.fromfile(PLAN).to_dict()
(ROUND,) = plan_file['rounds']
ROUND['student']['options'] = AVERAGED
ROUND['finetune']['options'] = {**ROUND['finetune']['options'], **AVERAGED}


def supervised(name: str, epochs: int) -> Row:
    """The labelled frames alone; an epoch is 7 steps."""

    def change(cfg: Config) -> None:
        trained_for(epochs, val_interval=epochs)(cfg)
        cfg.train_dataloader.dataset.update(sequences=None, every=10)
        for loader in (cfg.val_dataloader, cfg.test_dataloader):
            loader.dataset.update(plan_file['evaluation']['dataset'])

    return Row(name, CONFIG, [AVERAGED, change])


def plan(name: str, **options: object) -> Row:
    """A round after the supervised teacher; ``__`` in names of options is a point."""
    changes = {key.replace('__', '.'): value for key, value in options.items()}
    changes['rounds'] = [ROUND]
    start = {'supervised': ['teacher.checkpoint']}
    return Row(name, PLAN, [changes], start, plan=True)


BEFORE, CONTROL, AFTER = 'supervised', 'supervised, longer', 'Naive-Student, round 1'
rows = [
    supervised(BEFORE, 34),
    supervised(CONTROL, 69),
    plan('Naive-Student'),
    plan('without Void-Ego-Car', unlabeled__others__ego_car=None),
    plan('without Test-Aug', labeling__tta=False),
]
study = Study(
    'CamVid: Naive-Student on a tenth of the labels',
    'Algorithm 1 of "Naive-Student" on CamVid: every tenth of the 367 training frames is '
    'labelled, the other 330 are the unlabelled video, the 101 validation frames are '
    'evaluated on. BiSeNet-Lite0 with ImageNet weights, full width, crops of 256x192, '
    'batches of 6. A teacher trains for 238 steps; a student, which starts from ImageNet '
    'again, for 180 on pseudo labels and 60 on human ones. The control has the human '
    'labels alone for the 483 steps that both take. All figures are of averaged weights '
    '(`EMAHook`, 100 steps wide). Nothing was tuned.',
    seeds=(0, 1, 2),
    rows=rows,
    tables=[
        Table(
            'Results',
            [
                BEFORE,
                CONTROL,
                AFTER,
                'without Void-Ego-Car, round 1',
                'without Test-Aug, round 1',
            ],
            {'mIoU': 'mIoU', 'pixel_precision': 'precision per pixel'},
            by_class='iou',
        )
    ],
    differences=[
        Differences(
            'Differences',
            [
                (AFTER, BEFORE),
                (AFTER, CONTROL),
                ('without Void-Ego-Car, round 1', AFTER),
                ('without Test-Aug, round 1', AFTER),
            ],
        )
    ],
)
