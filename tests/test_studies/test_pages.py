"""Pages from stored lines."""

from pathlib import Path

import pytest

from studies import pages

ROOT = Path(__file__).parents[2]
STUDY = """
from studies.study import Differences, Plot, Row, Study, Table
study = Study(
    'The {name}', 'What it is.', (0, 1),
    rows=[Row('source', 'x.py'), Row('DSC', 'x.py')],
    tables=[Table('Figures', ['source', 'DSC'], {{'mIoU': 'mIoU'}}, by_class='iou')],
    differences=[Differences('Gain', [('DSC', 'source')])],
    plots=[Plot('All of them', 'bars', ['source', 'DSC'])],
)
"""


@pytest.fixture
def call(world, tmp_path):
    """The command on two studies, one of which has been run."""
    files = []
    for name in ('streets', 'night'):
        files.append(tmp_path / f'{name}.py')
        files[-1].write_text(STUDY.format(name=name))
    for seed in (0, 1):
        classes = dict(per_class_iou=dict(car=20.0 + seed))
        world.add('source', seed, metrics=dict(mIoU=30.7), **classes)
    world.add('DSC', 0, metrics=dict(mIoU=31.0), taken_from='night')
    docs = tmp_path / 'docs'

    def call(*words):
        places = ['--results', world.lines.parent, '--docs', docs]
        return pages.main([*map(str, [*files, *places]), *words])

    return call, docs


def test_pages_are_written_and_compared(call, capsys):
    call, docs = call
    assert call('--check') == 1
    assert not docs.exists()
    assert call() == 0
    assert {path.name for path in docs.iterdir()} == {
        'README.md',
        'model_cards.md',
        'streets.md',
        'streets.csv',
        'streets-all-of-them.png',
    }
    index = (docs / 'README.md').read_text()
    assert '| [The streets](streets.md) | 3 |\n| The night | not run |' in index
    page = (docs / 'streets.md').read_text()
    for text in (
        '| source | 30.7 ± 0.0 | 2 |',
        '| source | 20.5 |',
        '| DSC | source | +0.3 | +0.3 |',
        '![All of them](streets-all-of-them.png)',
        '1 of them are of runs of [night](night.md)',
        'python studies/run.py studies/streets.py',
    ):
        assert text in page
    assert (docs / 'streets.csv').read_text().splitlines()[:2] == [
        'method,seed,mIoU,IoU.car',
        'source,0,30.7,20.0',
    ]
    assert call('--check') == 0
    capsys.readouterr()
    for name in ('streets.md', 'streets.csv', 'README.md'):
        text = (docs / name).read_text()
        (docs / name).write_text(text + ' ')
        assert call('--check') == 1
        assert name in capsys.readouterr().out
        (docs / name).write_text(text)


def test_a_wrong_study_ends_in_advice(tmp_path, capsys):
    (tmp_path / 'wrong.py').write_text("title = 'x'")
    assert pages.main([str(tmp_path / 'wrong.py')]) == 2
    assert 'wrong.py: it must bind a Study' in capsys.readouterr().err


def test_the_pages_of_this_project_are_those_of_its_lines():
    assert pages.main(['--check']) == 0


def test_the_newest_time_of_a_path_stands_in_the_table():
    origin = dict(machine='2 CPU cores', device='cpu')
    old = dict(path='step', size='1x1', ms=9.0)
    new = dict(path='step', size='1x1', ms=3.0, bound_ms=2.0, quartiles=[2.5, 4.0])
    page = pages.performance_page(
        [
            dict(origin, commit='abc', lines=[old]),
            dict(origin, commit='def', lines=[new]),
            dict(origin, commit='ghi', panels=[]),
        ]
    )
    assert '| step | 1x1 | 3.00 | 2.50 to 4.00 | 2.00 | 1.50 |  |  |' in page
    assert '9.00' not in page and 'Commits: def.' in page
