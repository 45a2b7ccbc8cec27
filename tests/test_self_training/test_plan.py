"""Plans are read as they are meant, and refused with the key that is wrong."""

import copy

import pytest

from segda_mm.errors import PlanError
from segda_mm.self_training.plan import parse_plan, stages_of

PLAN = dict(
    teacher=dict(config='small.py'),
    unlabeled=dict(drive=dict(images=dict(type='UnlabeledImageDataset', images='a'))),
    rounds=[
        dict(student=dict(config='large.py'), finetune=dict(steps=5)),
        dict(student=dict(config='large.py', init='previous student')),
    ],
)


def changed(key, value):
    plan = copy.deepcopy(PLAN)
    *parents, last = key.split('.')
    node = plan
    for parent in parents:
        node = node[int(parent)] if isinstance(node, list) else node[parent]
    if value is None:
        node.pop(last)
    else:
        node[last] = value
    return plan


def test_what_a_plan_does_not_say():
    plan = copy.deepcopy(PLAN)
    plan['unlabeled']['extra'] = None
    plan = parse_plan(dict(plan, work_dir='there', make_data='command', _hidden=1))
    assert list(plan.unlabeled) == ['drive']
    assert plan.labeling.tta
    assert plan.rounds[0].finetune.steps == 5
    assert plan.rounds[1].finetune is None


def test_stages_are_those_of_algorithm_1():
    names = [stage.name for stage in stages_of(parse_plan(PLAN))]
    first = ['0-teacher', '0-evaluate', '1-label', '1-student', '1-finetune']
    assert names == [*first, '1-evaluate', '2-label', '2-student', '2-evaluate']
    plan = changed('teacher.checkpoint', 'teacher.pth')
    plan['unlabeled']['drive']['truth'] = dict(type='CamVidDataset')
    names = [stage.name for stage in stages_of(parse_plan(plan))]
    assert names[:4] == ['0-evaluate', '1-label', '1-quality', '1-student']


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('teacher.config', None, 'lacks teacher.config'),
        ('teacher.init', 'previous student', 'there is no student before'),
        ('teacher.stepz', 4, r"teacher.stepz is no key .*did you mean 'steps'"),
        ('teacher.steps', True, 'teacher.steps must be a int'),
        ('unlabelled', {}, r"unlabelled is no key .*'unlabeled'"),
        ('unlabeled', {}, 'at least one entry'),
        ('rounds', [], 'at least one entry'),
        ('rounds', 3, 'rounds must be a list'),
        ('rounds.0.student.checkpoint', 'a.pth', 'rounds.0.student.checkpoint'),
        ('mix_labeled', 1, 'mix_labeled must be a bool'),
        ('rounds.0.teacher', dict(pseudo_labels=True), 'no labels before the first'),
        ('rounds.1.teacher', dict(init='a.pth'), 'rounds.1.teacher.init is no key'),
        ('rounds.1.teacher', dict(labeled=dict(more=3)), 'labeled.more must be a dict'),
        ('unlabeled.drive.teachers_only', True, 'drive.teachers_only: students need'),
    ],
)
def test_the_wrong_key_is_named(key, value, message):
    with pytest.raises(PlanError, match=message):
        parse_plan(changed(key, value))
