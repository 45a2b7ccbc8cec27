import csv
import io

import pytest

from studies.experiment_error import ExperimentError
from studies.tables import (
    comparison_table,
    gap_table,
    results_csv,
    results_table,
    selection_table,
)


def cells(text):
    """The body of a table in Markdown, without its headings."""
    return [
        [cell.strip() for cell in line.strip('|').split(' | ')]
        for line in text.splitlines()[2:]
    ]


def table_of(world, **entries):
    entries = dict(
        dict(
            name='main',
            title='Main',
            runs=['DSC', 'DSC + PL', 'oracle'],
            figures=dict(mIoU='mIoU', size='parameters'),
        ),
        **entries,
    )
    return world.study(tables=[entries], decimals=dict(size=0))


def fill(world, study):
    for seed, figure in enumerate([10.0, 14.0, 18.0]):
        world.add(
            study,
            'DSC',
            seed,
            metrics=dict(mIoU=figure, size=1234.4),
            per_class_iou=dict(road=figure + 1, car=None if seed else 2.0),
        )
    world.add(
        study,
        'oracle',
        1,
        metrics=dict(mIoU=40.06, size=None),
        per_class_iou=dict(road=50.0, car=None),
    )


def test_means_deviations_papers_and_what_is_missing(world):
    study = table_of(
        world,
        published=dict(DSC=dict(mIoU=30.7), oracle=dict(mIoU=50)),
        per_class='iou',
    )
    fill(world, study)
    text = results_table(study.experiment.tables[0], study.results())
    assert text.splitlines()[:2] == [
        '| method | mIoU | parameters | paper: mIoU | seeds | road | car |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ]
    assert cells(text) == [
        ['DSC', '14.0 ± 4.0', '1234 ± 0', '30.7', '3', '15.0 ± 4.0', '2.0'],
        ['DSC + PL', 'not run yet', '', '', '0 of 3', '', ''],
        ['oracle', '40.1', '', '50.0', '1 of 3', '50.0', ''],
    ]


def test_a_figure_that_no_result_has_is_named(world):
    study = table_of(world, figures=dict(mIou='mIoU'))
    table = study.experiment.tables[0]
    assert 'not run yet' in results_table(table, study.results())
    fill(world, study)
    with pytest.raises(ExperimentError, match="main.figures: no result has 'mIou'"):
        results_table(table, study.results())


def test_the_csv_has_every_figure_of_every_seed(world):
    study = table_of(world)
    fill(world, study)
    text = results_csv(study.experiment.tables[0], study.results())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row['method'] for row in rows] == ['DSC'] * 3 + ['oracle']
    assert rows[0] == {
        'method': 'DSC',
        'seed': '0',
        'mIoU': '10.0',
        'size': '1234.4',
        'IoU.road': '11.0',
        'IoU.car': '2.0',
    }
    assert rows[3]['IoU.car'] == ''


def test_figures_of_the_end_of_the_training(world):
    study = table_of(world, figures={'discriminator.loss': 'its loss'}, runs=['DSC'])
    for seed, training in enumerate([{'discriminator.loss': 0.4, 'loss': 2.0}, {}]):
        world.add(study, 'DSC', seed, metrics=dict(mIoU=10.0), training=training)
    table = study.experiment.tables[0]
    assert cells(results_table(table, study.results())) == [['DSC', '0.4', '2 of 3']]
    rows = list(csv.DictReader(io.StringIO(results_csv(table, study.results()))))
    assert rows[0] == {
        'method': 'DSC',
        'seed': '0',
        'mIoU': '10.0',
        'discriminator.loss': '0.4',
    }
    assert rows[1]['discriminator.loss'] == ''


def test_a_comparison_by_hand(world):
    study = world.study(
        comparisons=[
            dict(
                name='gains',
                title='',
                figure='mIoU',
                pairs=[('DSC', 'source'), ('DSC + PL', 'DSC'), ('oracle', 'DSC')],
            )
        ]
    )
    world.add_mIoU(
        study, source=[10.0, 12.0, 14.0], DSC=[11.0, 14.0, 13.7], oracle=[20.0]
    )
    text = comparison_table(study.experiment.comparisons[0], study.results())
    assert cells(text) == [
        # p of t = 1.353 with two degrees: 1 - t / sqrt(2 + t^2) = 0.309.
        [
            'DSC',
            'source',
            '+1.0, +2.0, -0.3',
            '+0.9',
            '1.2',
            '0.7',
            '1.35',
            '0.309',
            '3',
            '2 of 3',
        ],
        ['DSC + PL', 'DSC', 'not run yet', '', '', '', '', '', '', ''],
        ['oracle', 'DSC', '+9.0', '+9.0', '', '', '', '', '1', '1 of 1'],
    ]


def test_a_small_probability_is_not_called_none(world):
    study = world.study(
        comparisons=[
            dict(name='c', title='C', figure='mIoU', pairs=[('DSC', 'source')])
        ]
    )
    world.add_mIoU(study, source=[20.0, 20.0, 20.0], DSC=[30.0, 30.1, 30.2])
    text = comparison_table(study.experiment.comparisons[0], study.results())
    assert '| < 0.001 | 3 | 3 of 3 |' in text


def test_a_gap_by_hand(world):
    study = world.study(
        gaps=[
            dict(
                name='closed',
                title='',
                figure='mIoU',
                lower='source',
                upper='oracle',
                runs=['DSC', 'DSC + PL'],
            )
        ]
    )
    world.add_mIoU(study, source=[10.0, 10.0], DSC=[15.0, 12.0], oracle=[20.0, 20.0])
    text = gap_table(study.experiment.gaps[0], study.results())
    assert cells(text) == [
        ['DSC', '50, 20', '35 ± 21', '2'],
        ['DSC + PL', 'not run yet', '', '0'],
    ]


def rules_of(world, **rules):
    return world.study(
        rules=dict(name='rules', figure='mIoU', runs=['DSC', 'source'], rules=rules)
    )


def test_rules_beside_the_last_and_the_best_epoch(world):
    study = rules_of(world, entropy=dict(figure='entropy', rule='less'))
    figures = [
        ([10.0, 14.0, 12.0], [0.1, 0.2, 0.3]),
        ([20.0, 22.0, 25.0], [0.3, 0.1, 0.2]),
    ]
    for seed, columns in enumerate(figures):
        validations = [
            dict(epoch=epoch, mIoU=mIoU, entropy=entropy)
            for epoch, (mIoU, entropy) in enumerate(zip(*columns), 1)
        ]
        world.add(study, 'DSC', seed, validations=validations)
    text = selection_table(study.experiment.rules, study.results())
    assert cells(text)[:3] == [
        ['DSC', 'last epoch', '18.5 ± 9.2', '1.0 ± 1.4', '3, 3', '2'],
        ['DSC', 'entropy', '16.0 ± 8.5', '3.5 ± 0.7', '1, 2', '2'],
        [
            'DSC',
            'the (cheating) oracle choice, by target labels',
            '19.5 ± 7.8',
            '0.0 ± 0.0',
            '2, 3',
            '2',
        ],
    ]
    assert cells(text)[3] == ['source', 'last epoch', 'not run yet', '', '', '0']


def test_a_rule_by_a_figure_that_no_validation_has_is_named(world):
    study = rules_of(world, entropy=dict(figure='entrpy', rule='less'))
    world.add(study, 'DSC', 0, validations=[dict(epoch=1, mIoU=1.0)])
    with pytest.raises(ExperimentError, match="no validation of DSC has 'entrpy'"):
        selection_table(study.experiment.rules, study.results())
