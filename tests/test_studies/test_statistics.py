import math

import pytest
from scipy import stats

from studies.definition import SelectionRule
from studies.experiment_error import ExperimentError
from studies.statistics import (
    choose_validation,
    closed_gap,
    figures_of,
    paired,
    spread_of,
    values_of,
)

METHOD = {0: 15.9, 1: 18.4, 2: 17.6, 7: 99.0}
BASELINE = {0: 13.6, 1: 14.5, 2: 12.3}


def test_spread_by_hand():
    spread = spread_of([14.0, 10.0, 18.0])
    assert (spread.mean, spread.deviation, spread.count) == (14.0, 4.0, 3)
    assert spread_of([5.0]).deviation is None
    assert spread_of([]) is None


def test_paired_differences_against_scipy():
    pairs = paired(METHOD, BASELINE)
    assert pairs.differences == pytest.approx({0: 2.3, 1: 3.9, 2: 5.3})
    method = [METHOD[seed] for seed in BASELINE]
    test = stats.ttest_rel(method, list(BASELINE.values()))
    assert pairs.standard_errors == pytest.approx(test.statistic)
    assert pairs.p == pytest.approx(test.pvalue)
    # With two degrees of freedom, Student's distribution has a closed form.
    t = pairs.standard_errors
    assert pairs.p == pytest.approx(1 - t / math.sqrt(2 + t * t))
    assert pairs.standard_error == pytest.approx(stats.sem([2.3, 3.9, 5.3]))
    assert pairs.num_better == 3


def test_one_pair_or_equal_differences_allow_no_test():
    one = paired({0: 2.0}, BASELINE)
    assert (one.standard_error, one.standard_errors, one.p) == (None, None, None)
    equal = paired({0: 2.0, 1: 3.0}, {0: 1.0, 1: 2.0})
    assert equal.standard_error == 0.0
    assert (equal.standard_errors, equal.p) == (None, None)
    assert paired({}, BASELINE).spread is None


def test_the_share_of_a_gap_by_hand():
    shares = closed_gap(
        {0: 15.0, 1: 30.0, 2: 9.0, 3: 1.0},
        {0: 10.0, 1: 10.0, 2: 10.0},
        {0: 20.0, 1: 30.0, 2: 10.0, 3: 5.0},
    )
    # Of seed 2 there is no gap, of seed 3 no lower end.
    assert shares == {0: 50.0, 1: 100.0}


def test_figures_of_the_training_and_of_the_evaluation():
    row = dict(
        method='DSC',
        seed=0,
        metrics=dict(mIoU=1.0),
        training={'loss': 2.0, 'discriminator.loss': None},
    )
    assert figures_of(row) == {'loss': 2.0, 'discriminator.loss': None, 'mIoU': 1.0}
    assert values_of([row], 'loss') == {0: 2.0}
    assert values_of([row], 'discriminator.loss') == {}


def test_a_figure_that_lines_do_not_have_is_named():
    row = dict(method='DSC', seed=0, metrics=dict(mIoU=None, aAcc=1.0))
    assert values_of([row], 'aAcc') == {0: 1.0}
    assert values_of([row], 'mIoU') == {}
    with pytest.raises(ExperimentError, match="DSC with seed 0 has no figure 'mIou'"):
        values_of([row], 'mIou')


VALIDATIONS = [
    dict(epoch=2, mIoU=10.0, entropy=0.5),
    dict(epoch=4, mIoU=14.0, entropy=0.3),
    dict(epoch=6, mIoU=12.0, entropy=0.2),
    dict(epoch=8, mIoU=11.0, entropy=0.2),
    dict(epoch=9, entropy=0.1),
]


@pytest.mark.parametrize(
    ('rule', 'expected'),
    [
        (None, (8, 11.0, 3.0)),
        (SelectionRule('entropy', 'less'), (6, 12.0, 2.0)),
        (SelectionRule('entropy', 'greater'), (2, 10.0, 4.0)),
        (SelectionRule('mIoU', 'greater'), (4, 14.0, 0.0)),
    ],
)
def test_the_validation_that_a_rule_chooses(rule, expected):
    choice = choose_validation(VALIDATIONS, 'mIoU', rule)
    assert (choice.epoch, choice.value, choice.loss) == expected


def test_without_the_figure_nothing_is_chosen():
    assert choose_validation(VALIDATIONS, 'PQ', None) is None
    rule = SelectionRule('diversity', 'less')
    assert choose_validation(VALIDATIONS, 'mIoU', rule) is None
