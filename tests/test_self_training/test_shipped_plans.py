"""The shipped plans say what their names say, and find their data and configs."""

import os
from pathlib import Path

import pytest

from segda_mm.apis import load_config
from segda_mm.apis.checks import require_data
from segda_mm.self_training import PlanConfigs, parse_plan, require_inputs
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


def plan_of(name):
    return parse_plan(load_config(FOLDER / name).to_dict())


def changes(name, main):
    """Dotted keys in which one plan differs from another."""
    first, second = (
        flat_settings(load_config(FOLDER / plan).to_dict(), work_dir='none')
        for plan in (name, main)
    )
    keys = {key for key in first | second if first.get(key) != second.get(key)}
    return keys - {'work_dir'}


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
        for split in ('train', 'val'):
            stem = frames[19]
            touch('data', tree, 'leftImg8bit', split, f'{stem}_leftImg8bit.png')
            for kind in ('labelIds', 'instanceIds'):
                touch('data', tree, 'gtFine', split, f'{stem}_gtFine_{kind}.png')
        for stem in frames:
            name = f'{stem}_leftImg8bit.png'
            touch('data', tree, 'leftImg8bit_sequence', 'train', name)
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
    plan = plan_of('naive-student_x71-wr41-wr41_cityscapes-1025x2049.py')
    assert '_x71_' in plan.teacher.config
    assert ['_wr41_' in part.student.config for part in plan.rounds] == [True, True]
    # Section 4.2: 60,000 steps on the labelled images, 180,000 on the labels.
    assert plan.teacher.steps == 60000
    assert plan.rounds[0].student.steps == 180000
    assert list(plan.unlabeled) == ['sequence', 'extra']
    assert plan.labeling.tta
    assert plan.labeling.pseudo_labeler is None
    assert not plan.mix_labeled


def test_dagger_changes_one_thing():
    found = changes(f'naive-student-dagger{MINIATURE}', f'naive-student{MINIATURE}')
    assert found == {'rounds.1.student.init': 'previous student'}
