"""The state file knows what is done and with which settings."""

import json

import pytest

from segda_mm.self_training import PlanError, StateFile
from segda_mm.self_training.state import flat_settings


def test_settings_get_dotted_keys_and_paths_below_the_work_dir():
    nested = dict(
        load_from='/w/run/0-teacher/epoch_2.pth',
        elsewhere='/w/run2/a.pth',
        optim=dict(lr=0.1, betas=(0.9, 0.99)),
        pipeline=[dict(type='A'), dict(type='B', sizes=[(1, 2)])],
        nothing=None,
        empty={},
    )
    assert flat_settings(nested, '/w/run/') == {
        'load_from': '<work dir>/0-teacher/epoch_2.pth',
        'elsewhere': '/w/run2/a.pth',
        'optim.lr': 0.1,
        'optim.betas': [0.9, 0.99],
        'pipeline.0.type': 'A',
        'pipeline.1.type': 'B',
        'pipeline.1.sizes.0': [1, 2],
        'nothing': None,
        'empty': {},
    }


def test_state_is_there_for_the_next_process(tmp_path):
    path = tmp_path / 'work' / 'state.json'
    state = StateFile(path)
    assert not state.is_finished('0-teacher')
    state.begin('0-teacher', {'lr': 0.1})
    assert not StateFile(path).is_finished('0-teacher')
    state.finish('0-teacher', dict(sizes=(1, 2)))
    state.begin('1-label', {})
    again = StateFile(path)
    assert again.is_finished('0-teacher')
    assert again.result('0-teacher') == dict(sizes=[1, 2])
    assert not again.is_finished('1-label')
    assert json.loads(path.read_text())['stages'] == again.stages == state.stages
    assert [file.name for file in path.parent.iterdir()] == ['state.json']


@pytest.mark.parametrize(('finished', 'word'), [(True, 'finished'), (False, 'begun')])
def test_other_settings_are_refused_with_key_and_values(tmp_path, finished, word):
    state = StateFile(tmp_path / 'state.json')
    state.begin('1-student', {'lr': 0.1, 'seed': 0})
    if finished:
        state.finish('1-student', {})
    state.check('1-student', {'seed': 0, 'lr': 0.1})
    state.check('2-student', {'lr': 5})
    with pytest.raises(PlanError) as caught:
        state.check('1-student', {'lr': 0.2, 'seed': 0})
    message = str(caught.value)
    assert f'1-student in {tmp_path} was {word} with lr = 0.1' in message
    assert 'says 0.2' in message
    assert '--redo-from 1-student' in message
    with pytest.raises(PlanError, match='with new = None, but the plan now says 4'):
        state.check('1-student', {'lr': 0.1, 'seed': 0, 'new': 4})
    state.forget(['1-student', 'never'])
    assert StateFile(tmp_path / 'state.json').stages == {}
