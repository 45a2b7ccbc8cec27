"""Statistics against scipy and by hand, and the tables made of them."""

import math

import pandas as pd
import pytest
from scipy import stats

from studies.study import Differences, Gap, Plot, StudyError, Table
from studies.tables import (
    Results,
    class_table,
    differences_table,
    draw,
    gap_table,
    markdown,
    number,
    results_table,
    spread,
)


def results(world, **parts):
    return Results(world.study(**parts), world.read())


def cells(text):
    return [
        [cell.strip() for cell in line[1:-1].split('|')]
        for line in text.splitlines()
        if line.startswith('|')
    ]


def test_numbers_by_hand():
    assert number(-0.04) == '0.0' and number(0.04, signed=True) == '0.0'
    assert number(1.25, 2, signed=True) == '+1.25'
    # Squares of 4, 0 and 4, over n - 1.
    assert spread(pd.Series([14.0, 10.0, 18.0])) == '14.0 ± 4.0'
    assert spread(pd.Series([5.0])) == '5.0'
    assert spread(pd.Series([], dtype=float)) == ''
    assert markdown(('a', 'b'), [('x|y', '1')]) == (
        '| a | b |\n| --- | ---: |\n| x\\|y | 1 |'
    )


def test_means_spreads_and_published_values(world):
    world.add_mIoU(source=[14.0, 10.0, 18.0], DSC=[20.0])
    table = Table(
        'T',
        ['source', 'DSC', 'DSC + PL'],
        {'mIoU': 'mIoU'},
        published={'DSC': (30.7,), 'source': (None,)},
    )
    text = results_table(table, results(world))
    assert cells(text)[2:] == [
        ['source', '14.0 ± 4.0', '', '3'],
        ['DSC', '20.0', '30.7', '1'],
    ]
    assert cells(text)[0] == ['method', 'mIoU', 'paper: mIoU', 'seeds']
    assert text.endswith('Not run yet: `DSC + PL`.')


def test_the_newest_line_counts_and_seeds_of_others_do_not(world):
    world.add('source', 0, metrics=dict(mIoU=1.0))
    world.add('source', 0, metrics=dict(mIoU=2.0), training={'D.loss': None})
    world.add('source', 9, metrics=dict(mIoU=99.0))
    found = results(world)
    assert found.of('source', 'mIoU').to_dict() == {0: 2.0}
    assert found.of('source', 'D.loss').empty
    assert found.of('DSC', 'mIoU').empty
    with pytest.raises(StudyError, match="no result has 'mIou'"):
        found.of('source', 'mIou')


def test_means_of_classes(world):
    for seed, car in enumerate((None, 1.0, 4.0)):
        world.add('source', seed, per_class_iou={'car': car, 'road': 10.0 * seed})
    world.add('DSC', 0, per_class_iou={'car': None, 'road': 3.0})
    table = Table('T', ['source', 'DSC', 'DSC + PL'], {'mIoU': 'mIoU'}, by_class='iou')
    assert cells(class_table(table, results(world)))[2:] == [
        ['source', '2.5', '10.0'],
        ['DSC', '', '3.0'],
    ]


def test_paired_differences_against_scipy(world):
    method, baseline = [15.9, 18.4, 17.6], [13.6, 14.5, 12.3]
    world.add_mIoU(source=baseline, DSC=method, DSC_PL=[0.5])
    found = results(world)
    test = stats.ttest_rel(method, baseline)
    pairs = [(name, 'source') for name in ('DSC', 'DSC + PL', 'DSC, TTA')]
    t, p = f'{test.statistic:.2f}', f'{test.pvalue:.3f}'
    # One seed allows no test.
    assert cells(differences_table(Differences('D', pairs), found))[2:] == [
        ['DSC', 'source', '+2.3, +3.9, +5.3', '+3.8 ± 1.5', t, p, '3 of 3'],
        ['DSC + PL', 'source', '-13.1', '-13.1', '', '', '0 of 1'],
    ]
    # With two degrees of freedom, Student's distribution has a closed form.
    assert test.pvalue == pytest.approx(
        1 - test.statistic / math.sqrt(2 + test.statistic**2)
    )


def test_the_share_of_a_gap_by_hand(world):
    world.add_mIoU(source=[10.0, 10.0, 10.0], DSC=[20.0, 30.0, 10.0])
    world.add_mIoU(DSC_PL=[15.0, 30.0, 9.0])
    gap = Gap('G', 'source', 'DSC', ['DSC + PL'])
    # Of seed 2 there is no gap.
    assert cells(gap_table(gap, results(world)))[2] == [
        'DSC + PL',
        '50, 100',
        '75 ± 35',
    ]


VALIDATIONS = [
    dict(epoch=2, mIoU=10.0, entropy=0.5),
    dict(epoch=4, mIoU=14.0, entropy=0.3),
    dict(epoch=6, mIoU=12.0, entropy=0.2),
    dict(epoch=8, mIoU=11.0, entropy=0.2),
    dict(epoch=9, entropy=0.1),
]


def test_curves_are_means_of_the_seeds_in_a_band(world):
    world.add('source', 0, validations=VALIDATIONS[:2])
    world.add('source', 1, validations=[dict(epoch=2, mIoU=20.0)])
    plot = Plot('Curves', 'curves', ['source', 'DSC'])
    (axes,) = draw(plot, results(world)).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[2, 15], [4, 14]]
    (band,) = axes.collections
    low, high = band.get_paths()[0].get_extents().intervaly
    assert high - low == pytest.approx(2 * 50**0.5)


def test_bars_and_lines(world):
    world.add_mIoU(source=[1.0, 3.0], DSC=[4.0])
    found = results(world)
    (bars,) = draw(Plot('B', 'bars', ['source', 'DSC', 'DSC + PL']), found).axes
    assert [bar.get_height() for bar in bars.patches] == [2.0, 4.0]
    assert [text.get_text() for text in bars.get_xticklabels()] == ['source', 'DSC']
    points = {'a': {'DSC': 100, 'source': 20}, 'b': {'DSC + PL': 0}}
    (lines,) = draw(Plot('L', 'lines', points, xlabel='share'), found).axes
    assert lines.lines[0].get_xydata().tolist() == [[20, 2], [100, 4]]
    assert draw(Plot('N', 'bars', ['DSC + PL']), found) is None
