"""A plan is carried out as Algorithm 1 has it, and stops and goes on anywhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segda_mm.apis import PreflightError, load_config, self_train
from segda_mm.datasets.formats.subsets import draw_share
from segda_mm.labeling import LabelStore
from segda_mm.self_training.configs import build
from segda_mm.testing.toy_plan import write_toy_plan

MODULE = 'segda_mm.apis.self_training'

STAGES = [
    *('0-teacher', '0-evaluate', '1-label', '1-quality', '1-student', '1-finetune'),
    *('1-evaluate', '2-label', '2-quality', '2-student', '2-evaluate'),
]
STAGES_WITH_WORK = [name for name in STAGES if 'quality' not in name]

#: Numbers of the frames without a label.
UNLABELED = (1, 2, 4, 5, 7, 8, 10, 11)


class Stopped(Exception):
    """Stands for the process being killed."""


class Stand:
    """Trains, labels and tests within no time, and notes what was asked for."""

    def __init__(self, monkeypatch):
        self.trained, self.labeled, self.tested = [], [], []
        self.stop_in = None
        for name, stand in dict(
            train=self.train, label=self.label, evaluate=self.test
        ).items():
            monkeypatch.setattr(f'{MODULE}.{name}', stand)

    def _maybe_stop(self, cfg, when):
        stage = cfg.work_dir.rpartition('/')[2]
        if self.stop_in == (stage, when):
            raise Stopped(stage)

    def train(self, cfg, resume=None):
        self._maybe_stop(cfg, 'begin')
        self.trained.append((cfg.copy(), resume))

        folder = Path(cfg.work_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'epoch_{cfg.train_cfg.max_epochs}.pth').write_bytes(b'weights')
        self._maybe_stop(cfg, 'end')

    def label(self, cfg, checkpoint, images, out, **settings):
        self._maybe_stop(cfg, 'begin')
        self.labeled.append((cfg.copy(), str(checkpoint), images, settings))
        names = [f'0001TP_{index:06d}.png' for index in UNLABELED]
        names = draw_share(names, images.get('share'))
        store = LabelStore(out)
        for name in names:
            # The teacher of round 1 sees class 1, that of round 2 class 0.
            guess = 2 - int(cfg.work_dir.rpartition('/')[2][0])
            labels = np.full((32, 64), guess, np.uint8)
            labels[28:] = 255
            path = store.path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(labels).save(path)
        self._maybe_stop(cfg, 'end')
        return dict(num_images=len(names), void_share=0.125)

    def test(self, cfg, checkpoint, tta=False):
        self._maybe_stop(cfg, 'begin')
        self.tested.append((cfg.copy(), str(checkpoint), tta))
        miou = 40.0 + 5 * int(cfg.work_dir.rpartition('/')[2][0])
        self._maybe_stop(cfg, 'end')
        return dict(num_images=2, metrics=dict(mIoU=miou), per_class_iou=dict(Sky=miou))


@pytest.fixture
def stand(monkeypatch):
    return Stand(monkeypatch)


@pytest.fixture
def plan_file(tmp_path):
    return write_toy_plan(tmp_path)


def names_of(dataset):
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    return [info['relative_path'][7:13] for info in infos]


def dataset_of(cfg):
    return build(cfg.train_dataloader.dataset, cfg)


def test_every_step_gets_its_data_and_weights(stand, plan_file, tmp_path):
    self_train(load_config(plan_file))
    work = tmp_path / 'work'
    teacher, first, tuned, second = (cfg for cfg, _ in stand.trained)

    folders = [cfg.work_dir.removeprefix(f'{work}/') for cfg, _ in stand.trained]
    assert folders == ['0-teacher', '1-student', '1-finetune', '2-student']
    assert all(resume is None for _, resume in stand.trained)
    # Step 1 and step 4: every third frame has a label.
    for cfg in (teacher, tuned):
        assert names_of(dataset_of(cfg)) == ['000000', '000003', '000006', '000009']
    # Step 3: the others, with the labels of this round.
    for number, cfg in ((1, first), (2, second)):
        dataset = dataset_of(cfg)
        assert names_of(dataset) == [f'{i:06d}' for i in UNLABELED]
        assert dataset.get_data_info(0)['seg_map_path'] == str(
            work / f'{number}-label' / 'others' / '0001TP_000001.png'
        )
    sample = dataset_of(first)[0]['data_samples'].gt_sem_seg.data[0]
    assert sample.unique().tolist() == [1, 255]

    assert teacher.get('load_from') is None
    assert first.get('load_from') is None
    assert tuned.load_from == str(work / '1-student' / 'epoch_2.pth')
    assert second.load_from == str(work / '1-finetune' / 'epoch_1.pth')
    # In batches of two an epoch has 2 steps on labelled frames, 4 on the others.
    assert [cfg.train_cfg.max_epochs for cfg in (teacher, first, tuned, second)] == [
        2,
        2,
        1,
        1,
    ]
    assert {cfg.randomness.seed for cfg, _ in stand.trained} == {3}
    assert all(cfg.val_dataloader is None for cfg, _ in stand.trained)

    teachers = [checkpoint for _, checkpoint, _, _ in stand.labeled]
    assert teachers == [
        str(work / '0-teacher' / 'epoch_2.pth'),
        str(work / '1-finetune' / 'epoch_1.pth'),
    ]
    assert stand.labeled[0][3]['tta'] is True
    assert stand.labeled[0][3]['ego_car']['ego_ids'] == (11,)
    judged = [checkpoint for _, checkpoint, _ in stand.tested]
    assert judged == [*teachers, str(work / '2-student' / 'epoch_1.pth')]
    state = json.loads((work / 'state.json').read_text())
    assert list(state['stages']) == STAGES


def test_the_report_has_rounds_labels_and_pictures(stand, plan_file, tmp_path):
    report = self_train(load_config(plan_file))
    work = tmp_path / 'work'
    assert json.loads((work / 'report.json').read_text()) == report
    assert [entry['metrics']['mIoU'] for entry in report['rounds']] == [40, 45, 50]
    assert [entry['teacher'] for entry in report['rounds']] == [None, 'tiny', 'tiny']
    assert report['rounds'][2]['checkpoint'] == '2-student/epoch_1.pth'

    # By hand: the labels are class 1, then class 0, everywhere above the bonnet.
    for entry, guess in zip(report['labels'], (1, 0), strict=True):
        truths = [
            np.asarray(Image.open(tmp_path / f'data/labels/train/0001TP_{i:06d}.png'))
            for i in UNLABELED
        ]
        known = np.stack(truths)[:, :28]
        present = np.unique(known)
        iou = (known == guess).mean()
        assert entry['quality']['mIoU'] == pytest.approx(100 * iou / len(present))
        assert entry['quality']['images'] == entry['images'] == 8
        assert entry['labeled'] == 87.5

    text = (work / 'report.md').read_text()
    rows = [line.split(' | ') for line in text.splitlines() if line.startswith('| ')]
    assert rows[0][-1] == 'mIoU |'
    assert [row[-1] for row in rows[2:5]] == ['40.00 |', '45.00 |', '50.00 |']
    assert rows[4][4] == 'student of round 1'
    assert rows[3][5] == 'pseudo-labelled, then labelled'
    assert '![others](labels_others.png)' in text
    picture = Image.open(work / 'labels_others.png').convert('RGB')
    # Image, two rounds and the truth: Sky's and Building's colours are there.
    colors = {color for _, color in picture.getcolors(2**24)}
    assert {(128, 128, 128), (128, 0, 0)} <= colors


def test_stopped_in_every_stage_it_ends_as_if_it_was_not(stand, plan_file, tmp_path):
    self_train(load_config(plan_file))
    whole, cut = tmp_path / 'work', tmp_path / 'cut'
    stops = [('0-teacher', 'begin'), ('1-label', 'begin'), ('2-student', 'begin')]
    stops = sorted(stops + [(name, 'end') for name in STAGES_WITH_WORK])
    stops.sort(key=lambda stop: STAGES.index(stop[0]))
    cut_short = ()
    for stop in stops:
        stand.trained, stand.labeled, stand.tested = [], [], []
        stand.stop_in = stop
        with pytest.raises(Stopped):
            self_train(load_config(plan_file, work_dir=cut))
        # Nothing finished was done again; a training cut at its end was resumed.
        done = len(stand.trained) + len(stand.labeled) + len(stand.tested)
        assert done == len(cut_short) + (stop[1] == 'end')
        resumed = [cfg.work_dir for cfg, resume in stand.trained if resume == 'auto']
        trainings = [n for n in cut_short if n.endswith(('teacher', 'student', 'tune'))]
        assert resumed == [str(cut / name) for name in trainings]
        cut_short = (stop[0],) * (stop[1] == 'end')
    stand.stop_in = None
    self_train(load_config(plan_file, work_dir=cut))
    for name in ('state.json', 'report.md', 'report.json'):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_a_changed_plan_is_refused_for_what_is_done(stand, plan_file, tmp_path):
    stand.stop_in = ('1-student', 'begin')
    with pytest.raises(Stopped):
        self_train(load_config(plan_file))
    stand.stop_in = None
    work = tmp_path / 'work'
    for option, message in (
        (
            {'teacher.options.optim_wrapper.optimizer.lr': 0.5},
            '0-teacher in .* was finished with optim_wrapper.optimizer.lr = 0.01',
        ),
        ({'labeling.tta': False}, '1-label in .* was finished with tta = True'),
        ({'seed': 4}, '0-teacher .* randomness.seed = 3'),
        ({'labeled.share': dict(fraction=0.5, seed=0)}, '0-teacher .*dataset.share'),
        (
            {'rounds.0.student.steps': 20},
            '1-student in .* was begun with param_scheduler.0.end = 3',
        ),
    ):
        with pytest.raises(PreflightError, match=message):
            self_train(load_config(plan_file, option))
    assert not (work / '1-student').exists()
    # What is not begun yet may change, and what changes the speed only.
    options = {
        'rounds.1.student.steps': 6,
        'teacher.options.train_dataloader.num_workers': 1,
    }
    self_train(load_config(plan_file, options))
    assert stand.trained[-1][0].train_cfg.max_epochs == 2


def test_stages_can_be_done_again(stand, plan_file, tmp_path):
    self_train(load_config(plan_file))
    with pytest.raises(PreflightError, match='no such stage; it has 0-teacher, 0-ev'):
        self_train(load_config(plan_file), redo_from='1-studnt')
    options = {'rounds.0.finetune.options.optim_wrapper.optimizer.lr': 0.5}
    (tmp_path / 'work' / '1-finetune' / 'epoch_7.pth').touch()
    self_train(load_config(plan_file, options), redo_from='1-finetune')
    assert len(stand.trained) == 6
    assert stand.trained[4][0].optim_wrapper.optimizer.lr == 0.5
    assert stand.trained[4][1] is None
    assert not (tmp_path / 'work' / '1-finetune' / 'epoch_7.pth').exists()


def test_a_folder_that_the_state_does_not_know_is_left_alone(
    stand, plan_file, tmp_path
):
    stranger = tmp_path / 'work' / '0-teacher' / 'epoch_9.pth'
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    with pytest.raises(PreflightError, match='0-teacher exists, but .*state.json'):
        self_train(load_config(plan_file))
    assert stranger.exists()


def test_a_lost_checkpoint_is_missed(stand, plan_file, tmp_path):
    stand.stop_in = ('1-label', 'begin')
    with pytest.raises(Stopped):
        self_train(load_config(plan_file))
    stand.stop_in = None
    (tmp_path / 'work' / '0-teacher' / 'epoch_2.pth').unlink()
    with pytest.raises(PreflightError, match='epoch_2.pth is gone.*redo-from 0-teach'):
        self_train(load_config(plan_file))


def test_parts_of_labels_and_of_frames(stand, plan_file):
    options = {
        'labeled.share': dict(fraction=0.5, seed=1),
        'unlabeled.others.share': dict(fraction=0.5, seed=0),
        'unlabeled.others.truth': None,
    }
    report = self_train(load_config(plan_file, options))
    assert len(dataset_of(stand.trained[0][0])) == 2
    assert stand.labeled[0][2]['share'] == dict(fraction=0.5, seed=0)
    assert stand.trained[1][0].train_dataloader.dataset.images.share == dict(
        fraction=0.5, seed=0
    )
    assert report['labels'][0]['images'] == 4
    assert report['labels'][0]['quality'] is None


def test_labelled_images_beside_the_pseudo_labelled_ones(stand, plan_file):
    """Also where one data set gives its classes as a tuple, another as a list."""
    report = self_train(load_config(plan_file, {'mix_labeled': True}))
    mixed = dataset_of(stand.trained[1][0])
    assert len(mixed) == len(UNLABELED) + 4
    paths = [mixed[index]['data_samples'].seg_map_path for index in range(len(mixed))]
    assert sum('1-label/others' in path for path in paths) == len(UNLABELED)
    assert report['rounds'][1]['trained_on'].startswith('pseudo-labelled + labelled')
    assert len(dataset_of(stand.trained[2][0])) == 4
