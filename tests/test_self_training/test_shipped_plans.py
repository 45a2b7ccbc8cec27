"""The shipped plans say what their names say, and find their data and configs."""

import os
from pathlib import Path

import pytest

from segda_mm.apis import load_config
from segda_mm.apis.checks.preflight import require_data
from segda_mm.self_training.configs import PlanConfigs
from segda_mm.self_training.run import require_inputs
from segda_mm.self_training.state import flat_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'configs' / 'naive_student'
PLANS = sorted(path.name for path in FOLDER.glob('*.py'))
MINIATURE = '_r18_minicity-256x512.py'
MINIATURE_TREES = (
    'minicity-512x256/cityscapes',
    'minicity-512x256-video/cityscapes',
    'minicity-video/cityscapes',
)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Empty files of the names that the data sets of the plans look for."""
    root = tmp_path_factory.mktemp('plans')

    def touch(*parts):
        path = root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    frames = [f'town/town_000000_{index:06d}' for index in range(30)]
    for tree in ('cityscapes', *MINIATURE_TREES):
        for split in ('train', 'val', 'test'):
            stem = frames[19]
            touch('data', tree, 'leftImg8bit', split, f'{stem}_leftImg8bit.png')
            for kind in ('labelIds', 'instanceIds'):
                touch('data', tree, 'gtFine', split, f'{stem}_gtFine_{kind}.png')
        for stem in frames:
            name = f'{stem}_leftImg8bit.png'
            for split in ('train', 'val'):
                touch('data', tree, 'leftImg8bit_sequence', split, name)
        touch('data', tree, 'leftImg8bit/train_extra', f'{frames[0]}_leftImg8bit.png')
    for split, sequences in (('train', ('0001TP', '0016E5')), ('val', ('0016E5',))):
        for sequence in sequences:
            for index in range(12):
                stem = f'{split}/{sequence}_{index:06d}'
                touch('data/camvid/images', f'{stem}.jpg')
                touch('data/camvid/labels', f'{stem}.png')
    for backbone in ('x71', 'wr41'):
        run = f'panoptic-deeplab_{backbone}_mapillary-1025x2049'
        touch('work_dirs', run, 'epoch_106.pth')
    for size in ('128x256', '256x512'):
        run = f'panoptic-deeplab_r18_minicity-pretraining-{size}'
        touch('work_dirs', run, 'epoch_53.pth')
    os.symlink(ROOT / 'configs', root / 'configs')
    return root


@pytest.mark.parametrize('name', PLANS)
def test_a_plan_finds_all_it_names(name, data, monkeypatch):
    monkeypatch.chdir(data)
    configs = PlanConfigs(load_config(FOLDER / name), load_config)
    require_inputs(configs, require_data)


def test_the_plan_of_the_paper():
    name = 'naive-student_x71-wr41-wr41_cityscapes-1025x2049.py'
    plan = PlanConfigs(load_config(FOLDER / name), load_config).plan
    assert '_x71_' in plan.teacher.config
    assert ['_wr41_' in part.student.config for part in plan.rounds] == [True, True]
    # Section 4.2: 60,000 steps on the labelled images, 180,000 on the labels.
    assert plan.teacher.steps == 60000
    assert plan.rounds[0].student.steps == 180000
    assert list(plan.unlabeled) == ['sequence', 'extra', 'val_sequence']
    hidden = [name for name, part in plan.unlabeled.items() if part.teachers_only]
    assert hidden == ['val_sequence']
    # Section 4.1: teachers alone see trainval-fine, after round 1 all labels.
    teachers = [part.teacher for part in plan.rounds]
    assert all(list(teacher.labeled.more) == ['val'] for teacher in teachers)
    assert [teacher.pseudo_labels for teacher in teachers] == [False, True]
    assert not plan.labeled.more
    assert plan.labeling.tta
    assert plan.labeling.pseudo_labeler is None
    assert not plan.mix_labeled


def test_the_plan_for_the_test_server_holds_nothing_back():
    name = 'naive-student-trainval_x71-wr41-wr41_cityscapes-1025x2049.py'
    configs = PlanConfigs(load_config(FOLDER / name), load_config)
    plan = configs.plan
    assert list(plan.labeled.more) == ['val'] and plan.evaluation.tta
    assert not any(part.teachers_only for part in plan.unlabeled.values())
    folders = set()
    for training in (plan.teacher, *(part.student for part in plan.rounds)):
        cfg = configs.config(training)
        prefix = cfg.test_dataloader.dataset.data_prefix
        assert prefix.img_path == 'leftImg8bit/test'
        assert cfg.test_evaluator.format_only
        folders.add(cfg.test_evaluator.output_dir)
    assert len(folders) == 3


def test_dagger_changes_one_thing():
    main, dagger = (
        flat_settings(load_config(FOLDER / f'{name}{MINIATURE}').to_dict(), 'none')
        for name in ('naive-student', 'naive-student-dagger')
    )
    changed = {key: value for key, value in dagger.items() if main.get(key) != value}
    changed.pop('work_dir', None)
    assert changed == {'rounds.1.student.init': 'previous student'}
    assert main.keys() <= dagger.keys()
