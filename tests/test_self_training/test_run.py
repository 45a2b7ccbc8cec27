"""A plan is carried out as Algorithm 1 has it, and stops and goes on anywhere."""

import json
import shutil
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from lxml import html
from PIL import Image

from segda_mm.apis import PreflightError, load_config, self_train
from segda_mm.datasets.camvid import CamVidDataset
from segda_mm.datasets.formats.subsets import draw_share
from segda_mm.labeling import LabelStore
from segda_mm.self_training.configs import build, index_by_name
from segda_mm.testing.toy_plan import labeled_frames, write_toy_plan

STAGES = [
    *('0-teacher', '0-evaluate', '1-label', '1-quality', '1-student', '1-finetune'),
    *('1-evaluate', '2-label', '2-quality', '2-student', '2-evaluate'),
]

#: Numbers of the frames without a label.
UNLABELED = (1, 2, 4, 5, 7, 8, 10, 11)


class Stopped(Exception):
    """Stands for the process being killed."""


class Stand:
    """Trains, labels and tests within no time, and notes what was asked for."""

    def __init__(self, monkeypatch):
        self.trained, self.labeled, self.tested = [], [], []
        self.stop_in = None
        for name in ('train', 'label', 'evaluate'):
            stand = self.stoppable(getattr(self, name))
            monkeypatch.setattr(f'segda_mm.apis.self_training.{name}', stand)

    def stoppable(self, function):
        def run(cfg, *args, **options):
            stage = Path(cfg.work_dir).name
            if self.stop_in == (stage, 'begin'):
                raise Stopped
            result = function(cfg, *args, **options)
            if self.stop_in == (stage, 'end'):
                raise Stopped
            return result

        return run

    def train(self, cfg, resume=None):
        self.trained.append((cfg.copy(), resume))
        folder = Path(cfg.work_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'epoch_{cfg.train_cfg.max_epochs}.pth').write_bytes(b'weights')

    def label(self, cfg, checkpoint, images, out, **settings):
        self.labeled.append((cfg.copy(), str(checkpoint), images, settings))
        names = [f'0001TP_{index:06d}.png' for index in UNLABELED]
        names = draw_share(names, images.get('share'))
        store = LabelStore(out)
        for name in names:
            # The teacher of round 1 sees class 1, that of round 2 class 0.
            labels = np.full((32, 64), 2 - int(Path(cfg.work_dir).name[0]), np.uint8)
            labels[28:] = 255
            store.write(name, labels)
        return dict(num_images=len(names), void_share=0.125)

    def evaluate(self, cfg, checkpoint, tta=False):
        self.tested.append((cfg.copy(), str(checkpoint), tta))
        miou = 40.0 + 5 * int(Path(cfg.work_dir).name[0])
        return dict(num_images=2, metrics=dict(mIoU=miou), per_class_iou=dict(Sky=miou))


@pytest.fixture
def stand(monkeypatch):
    return Stand(monkeypatch)


@pytest.fixture
def plan_file(tmp_path):
    return write_toy_plan(tmp_path)


def dataset_of(cfg):
    return build(cfg.train_dataloader.dataset, cfg)


def names_of(dataset):
    return [name[7:13] for name in index_by_name(dataset)]


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
        label = work / f'{number}-label' / 'others' / '0001TP_000001.png'
        assert dataset.get_data_info(0)['seg_map_path'] == str(label)
    sample = dataset_of(first)[0]['data_samples'].gt_sem_seg.data[0]
    assert sample.unique().tolist() == [1, 255]

    assert teacher.get('load_from') is first.get('load_from') is None
    assert tuned.load_from == str(work / '1-student' / 'epoch_2.pth')
    assert second.load_from == str(work / '1-finetune' / 'epoch_1.pth')
    # In batches of two an epoch has 2 steps on labelled frames, 4 on the others.
    assert [cfg.train_cfg.max_epochs for cfg, _ in stand.trained] == [2, 2, 1, 1]
    assert {cfg.randomness.seed for cfg, _ in stand.trained} == {3}
    assert all(cfg.val_dataloader is None for cfg, _ in stand.trained)

    teachers = [checkpoint for _, checkpoint, _, _ in stand.labeled]
    paths = ('0-teacher/epoch_2.pth', '1-finetune/epoch_1.pth')
    assert teachers == [str(work / path) for path in paths]
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
    truths = tmp_path / 'data/labels/train'
    known = [
        np.asarray(Image.open(truths / f'0001TP_{i:06d}.png'))[:28] for i in UNLABELED
    ]
    for entry, guess in zip(report['labels'], (1, 0), strict=True):
        iou = np.equal(known, guess).mean() / len(np.unique(known))
        assert entry['quality']['mIoU'] == pytest.approx(100 * iou)
        assert entry['quality']['images'] == entry['images'] == 8
        assert entry['labeled'] == 87.5

    rounds, labels, *frames = page_of(work / 'report.html')
    assert [row['mIoU'] for row in rounds] == ['40.00', '45.00', '50.00']
    assert rounds[2]['starts from'] == 'student of round 1'
    assert rounds[1]['trained on'] == 'pseudo-labelled, then labelled'
    assert [row['images'] for row in labels] == ['8', '8']
    assert len(frames) == 4
    for frame in frames:
        assert list(frame) == ['image', 'round 1', 'round 2', 'truth']
        # Building's and Sky's colours.
        for title, color in (('round 1', (128, 0, 0)), ('round 2', (128, 128, 128))):
            shown = frame[title][2:26].reshape(-1, 3)
            assert np.abs(shown.mean(0) - color).max() < 4


def test_a_trained_teacher_and_images_alone_are_enough(stand, plan_file, tmp_path):
    """No label file is there, and nothing is judged."""
    shutil.rmtree(tmp_path / 'data/labels')
    (tmp_path / 'net.pth').write_bytes(b'weights')
    plan = load_config(plan_file)
    images = plan.unlabeled.others.images
    plan.labeled = dict(
        dataset=dict(images, _delete_=True, metainfo=dict(CamVidDataset.METAINFO))
    )
    plan.teacher.checkpoint = str(tmp_path / 'net.pth')
    plan.unlabeled.others.update(truth=None, ego_car=None)
    plan.rounds[0].finetune = None
    tested = dict(plan.labeled.dataset, pipeline=[])
    plan.evaluation = dict(judged=False, dataset=tested)
    report = self_train(plan)
    folders = [Path(cfg.work_dir).name for cfg, _ in stand.trained]
    assert folders == ['1-student', '2-student'] and not stand.tested
    assert [checkpoint for _, checkpoint, _, _ in stand.labeled] == [
        str(tmp_path / 'net.pth'),
        str(tmp_path / 'work/1-student/epoch_2.pth'),
    ]
    for cfg, _ in stand.trained:
        assert names_of(dataset_of(cfg)) == [f'{i:06d}' for i in UNLABELED]
        classes = dataset_of(cfg).metainfo['classes']
        assert tuple(classes) == CamVidDataset.METAINFO['classes']
    assert [entry['metrics'] for entry in report['rounds']] == [{}, {}, {}]
    rounds, labels, *_ = page_of(tmp_path / 'work/report.html')
    assert 'mIoU' not in rounds[0] and len(labels) == 2


def page_of(file):
    """Rounds and labels as rows, and the layers of each frame, of a report."""
    page = html.fromstring(file.read_text())
    tables = []
    for heading in ('Rounds', 'Pseudo labels'):
        (table,) = page.xpath(f'//h2[.="{heading}"]/following-sibling::table[1]')
        names = table.xpath('.//th/text()')
        rows = [row.xpath('./td/text()') for row in table.xpath('./tbody/tr')]
        tables.append([dict(zip(names, row, strict=True)) for row in rows])
    frames = [
        {
            image.get('data-layer'): np.asarray(
                Image.open(urlopen(image.get('src'))).convert('RGB'), float
            )
            for image in figure.xpath('./img')
        }
        for figure in page.xpath('//figure')
    ]
    return *tables, *frames


def test_stopped_in_every_stage_it_ends_as_if_it_was_not(stand, plan_file, tmp_path):
    self_train(load_config(plan_file))
    whole, cut = tmp_path / 'work', tmp_path / 'cut'
    stops = [('0-teacher', 'begin')]
    stops += [(name, 'end') for name in STAGES if 'quality' not in name]
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
    for name in ('state.json', 'report.html', 'report.json'):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_a_changed_plan_is_refused_for_what_is_done(stand, plan_file, tmp_path):
    stand.stop_in = ('1-student', 'begin')
    with pytest.raises(Stopped):
        self_train(load_config(plan_file))
    stand.stop_in = None
    work = tmp_path / 'work'
    rate = 'teacher.options.optim_wrapper.optimizer.lr'
    for option, message in (
        ({rate: 0.5}, '0-teacher in .* was finished with optim_.*optimizer.lr = 0.01'),
        ({'labeling.tta': False}, '1-label in .* was finished with tta = True'),
        ({'seed': 4}, '0-teacher .* randomness.seed = 3'),
        ({'rounds.0.student.steps': 20}, '1-student in .* was begun with param_sch'),
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


def test_strange_folders_and_lost_checkpoints_are_named(stand, plan_file, tmp_path):
    stranger = tmp_path / 'work' / '0-teacher' / 'epoch_2.pth'
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    with pytest.raises(PreflightError, match='0-teacher exists, but .*state.json'):
        self_train(load_config(plan_file))
    assert stranger.exists()
    stand.stop_in = ('1-label', 'begin')
    with pytest.raises(Stopped):
        self_train(load_config(plan_file), redo_from='0-teacher')
    stranger.unlink()
    with pytest.raises(PreflightError, match='epoch_2.pth is gone.*redo-from 0-teach'):
        self_train(load_config(plan_file))


def test_parts_of_the_frames_and_labelled_ones_beside_them(stand, plan_file):
    """Also where one data set gives its classes as a tuple, another as a list."""
    half = dict(fraction=0.5, seed=0)
    options = {
        'labeled.share': half,
        'unlabeled.others.share': half,
        'unlabeled.others.truth': None,
        'mix_labeled': True,
    }
    report = self_train(load_config(plan_file, options))
    assert len(dataset_of(stand.trained[0][0])) == 2
    assert stand.labeled[0][2]['share'] == half
    mixed = dataset_of(stand.trained[1][0])
    paths = [mixed[index]['data_samples'].seg_map_path for index in range(len(mixed))]
    assert len(paths) == 4 + 2
    assert sum('1-label/others' in path for path in paths) == 4
    assert report['rounds'][1]['trained_on'].startswith('pseudo-labelled + labelled')
    assert len(dataset_of(stand.trained[2][0])) == 2
    assert report['labels'][0]['images'] == 4
    assert report['labels'][0]['quality'] is None


def with_teachers(plan_file):
    """Teachers of both rounds see the validation frames; the second all labels too."""
    cfg = load_config(plan_file)
    val = labeled_frames(plan_file.parents[1], 'val')
    hidden = dict(
        images=dict(cfg.unlabeled.others.images, share=dict(fraction=0.25, seed=0))
    )
    cfg.unlabeled.hidden = dict(hidden, teachers_only=True)
    labeled = dict(dataset=dict(every=4), more=dict(val=val))
    rate = dict(optim_wrapper=dict(optimizer=dict(lr=0.25)))
    cfg.rounds[0].teacher = dict(labeled=labeled, steps=6, options=rate)
    cfg.rounds[1].teacher = dict(labeled=labeled, pseudo_labels=True)
    return cfg


def test_teachers_have_data_that_no_student_sees(stand, plan_file, tmp_path):
    report = self_train(with_teachers(plan_file))
    work = tmp_path / 'work'
    trained = {Path(cfg.work_dir).name: cfg for cfg, _ in stand.trained}
    assert list(trained) == [
        *('0-teacher', '1-teacher', '1-student', '1-finetune', '2-teacher'),
        '2-student',
    ]
    first, second = trained['1-teacher'], trained['2-teacher']
    # Three of the 12 training frames and both validation frames, in batches of two.
    paths = seen(first)
    assert len(paths) == 3 + 2
    assert sum('/labels/val/' in path for path in paths) == 2
    assert first.train_cfg.max_epochs == 2
    assert first.optim_wrapper.optimizer.lr == 0.25
    assert first.load_from == str(work / '0-teacher' / 'epoch_2.pth')
    # The second one sees all labels of the first round as well.
    paths = seen(second)
    assert len(paths) == 8 + 2 + 3 + 2
    assert sum('1-label/hidden' in path for path in paths) == 2
    assert second.load_from == str(work / '1-finetune' / 'epoch_1.pth')
    assert second.optim_wrapper.optimizer.lr != 0.25
    for name in ('1-student', '1-finetune', '2-student'):
        paths = seen(trained[name])
        assert not any('/val/' in path or 'hidden' in path for path in paths)
    # They label, and what a student goes on from is the student before.
    labeled_by = [Path(checkpoint).parent.name for _, checkpoint, *_ in stand.labeled]
    assert labeled_by == ['1-teacher'] * 2 + ['2-teacher'] * 2
    assert trained['2-student'].load_from == second.load_from
    judged = [Path(checkpoint).parent.name for _, checkpoint, _ in stand.tested]
    assert judged == ['0-teacher', '1-finetune', '2-student']
    teachers = [entry['teacher'] for entry in report['rounds']]
    assert teachers == [None, 'tiny, fine-tuned', 'tiny, fine-tuned']
    # Seen by a teacher: 0, 3, 6 and 9, then 4 and 8; 1 has the name of a validation
    # frame.
    quality = {entry['set']: entry['quality'] for entry in report['labels'][:2]}
    assert quality['others']['images'] == len({2, 5, 7, 10, 11})
    assert quality['hidden'] is None


@pytest.mark.parametrize('when', ['begin', 'end'])
@pytest.mark.parametrize('stage', ['1-teacher', '2-teacher'])
def test_a_tuned_teacher_is_resumed(stand, plan_file, tmp_path, stage, when):
    self_train(with_teachers(plan_file))
    whole = (tmp_path / 'work' / 'report.json').read_bytes()
    stand.stop_in = (stage, when)
    with pytest.raises(Stopped):
        self_train(with_teachers(plan_file), redo_from='1-teacher')
    stand.stop_in = None
    before = len(stand.trained)
    self_train(with_teachers(plan_file))
    cfg, resume = stand.trained[before]
    assert (Path(cfg.work_dir).name, resume == 'auto') == (stage, when == 'end')
    assert (tmp_path / 'work' / 'report.json').read_bytes() == whole
    changed = with_teachers(plan_file)
    changed.rounds[0].teacher.steps = 20
    with pytest.raises(PreflightError, match='1-teacher in .* was finished with'):
        self_train(changed)


def test_lost_data_of_a_teacher_are_found_first(stand, plan_file):
    for key, change in (
        ('more.val', dict(more=dict(val=dict(type='CamVidDataset', data_root='no')))),
        ('dataset', dict(dataset=dict(data_root='no'))),
    ):
        cfg = with_teachers(plan_file)
        cfg.rounds[1].teacher.labeled = change
        with pytest.raises(PreflightError, match=f'rounds.1.teacher.labeled.{key}: '):
            self_train(cfg)
    assert not stand.trained


def seen(cfg):
    dataset = dataset_of(cfg)
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [info['seg_map_path'] for info in infos]
