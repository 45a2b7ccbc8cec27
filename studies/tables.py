"""The tables of an experiment, in Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from .definition import Comparison, Gap, Selection, SelectionRule, Table
from .experiment_error import ExperimentError
from .number_text import NOT_RUN, each_text, number, spread_text
from .results import Results
from .statistics import (
    choose_validation,
    closed_gap,
    figures_of,
    paired,
    spread_of,
    values_of,
)

#: What the figure of one class is called in front of its name.
_CLASS_FIGURES = {'iou': 'IoU', 'pq': 'PQ', 'ap': 'AP'}

#: The rows that every table of rules has beside its own.
LAST_EPOCH = 'last epoch'
ORACLE_CHOICE = 'the (cheating) oracle choice, by target labels'


def markdown(rows: Sequence[Sequence[str]], num_names: int = 1) -> str:
    """A table in Markdown.

    Args:
        rows: The headings first.
        num_names: Columns on the left that are no numbers.
    """
    head, *body = ([cell.replace('|', '\\|') for cell in row] for row in rows)
    rule = ['---'] * num_names + ['---:'] * (len(head) - num_names)
    return '\n'.join(f'| {" | ".join(row)} |' for row in [head, rule, *body])


def results_table(table: Table, results: Results) -> str:
    """Mean ± sample standard deviation over the seeds, one line a result.

    Args:
        table: Of the experiment.
        results: Of the experiment.

    Raises:
        ExperimentError: none of the results has one of the figures.
    """
    _require_figures(table, results)
    decimals = results.experiment.decimals
    published = [
        figure
        for figure in table.figures
        if any(figure in values for values in table.published.values())
    ]
    classes = _classes(table, results)
    lines = [
        [
            'method',
            *table.figures.values(),
            *(f'paper: {table.figures[figure]}' for figure in published),
            'seeds',
            *classes,
        ]
    ]
    for name in table.runs:
        rows = results.of(name)
        cells = [_cell(rows, figure, decimals) for figure in table.figures]
        if not rows:
            cells[0] = NOT_RUN
        theirs = table.published.get(name, {})
        cells += [
            number(theirs[figure], decimals.get(figure, 1)) if figure in theirs else ''
            for figure in published
        ]
        wanted = len(results.experiment.seeds_of(results.experiment.run_of(name)))
        done = len(rows)
        cells.append(str(done) if done == wanted else f'{done} of {wanted}')
        cells += [_class_cell(rows, table.per_class, label) for label in classes]
        lines.append([name, *cells])
    return markdown(lines)


def results_csv(table: Table, results: Results) -> str:
    """Every figure of every evaluation behind a table, also those it does not show.

    Of the end of a training, those that it shows.

    Args:
        table: Of the experiment.
        results: Of the experiment.
    """
    rows = [row for name in table.runs for row in results.of(name)]
    flat = [_flat_figures(row, table) for row in rows]
    names = list(dict.fromkeys(name for figures in flat for name in figures))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(['method', 'seed', *names])
    for row, figures in zip(rows, flat):
        cells = [figures.get(name) for name in names]
        writer.writerow([row['method'], row['seed'], *cells])
    return text.getvalue()


def comparison_table(comparison: Comparison, results: Results) -> str:
    """Paired differences, with a two-sided paired t-test.

    Args:
        comparison: Of the experiment.
        results: Of the experiment.

    Raises:
        ExperimentError: a result has no such figure.
    """
    decimals = results.experiment.decimals.get(comparison.figure, 1)
    lines = [
        [
            'method',
            'baseline',
            'difference in each seed',
            'mean',
            'standard deviation',
            'standard error',
            't',
            'p',
            'n',
            'better in',
        ]
    ]
    for method, baseline in comparison.pairs:
        pairs = paired(
            values_of(results.of(method), comparison.figure),
            values_of(results.of(baseline), comparison.figure),
        )
        values = list(pairs.differences.values())
        cells = [each_text(values, decimals, signed=True)]
        if not values:
            lines.append([method, baseline, *cells, *[''] * 7])
            continue
        spread, error = pairs.spread, pairs.standard_error
        lines.append(
            [
                method,
                baseline,
                *cells,
                number(spread.mean, decimals, signed=True),
                '' if error is None else number(spread.deviation, decimals),
                '' if error is None else number(error, decimals),
                '' if pairs.p is None else number(pairs.standard_errors, 2),
                '' if pairs.p is None else _probability(pairs.p),
                str(len(values)),
                f'{pairs.num_better} of {len(values)}',
            ]
        )
    return markdown(lines, num_names=3)


def _probability(p: float) -> str:
    return number(p, 3) if p >= 0.001 else '< 0.001'


def gap_table(gap: Gap, results: Results) -> str:
    """The share of a gap that is closed, in percent.

    Args:
        gap: Of the experiment.
        results: Of the experiment.

    Raises:
        ExperimentError: a result has no such figure.
    """
    lower = values_of(results.of(gap.lower), gap.figure)
    upper = values_of(results.of(gap.upper), gap.figure)
    lines = [['method', 'closed in each seed, %', 'closed, %', 'seeds']]
    for name in gap.runs:
        shares = closed_gap(values_of(results.of(name), gap.figure), lower, upper)
        values = list(shares.values())
        mean = spread_text(spread_of(values), 0) if values else ''
        lines.append([name, each_text(values, 0), mean, str(len(values))])
    return markdown(lines, num_names=2)


def selection_table(selection: Selection, results: Results) -> str:
    """What each rule would have chosen, beside the last epoch and the best one.

    Args:
        selection: Of the experiment.
        results: Of the experiment.

    Raises:
        ExperimentError: no validation of a run has the figure of a rule.
    """
    decimals = results.experiment.decimals.get(selection.figure, 1)
    oracle = SelectionRule(selection.figure, 'greater')
    rules = {LAST_EPOCH: None, **selection.rules, ORACLE_CHOICE: oracle}
    lines = [
        [
            'method',
            'checkpoint chosen by',
            selection.figure,
            'loss against the oracle choice',
            'epochs chosen',
            'seeds',
        ]
    ]
    for name in selection.runs:
        trainings = [
            row['validations'] for row in results.of(name) if row.get('validations')
        ]
        for title, rule in rules.items():
            choices = [choose_validation(t, selection.figure, rule) for t in trainings]
            choices = [choice for choice in choices if choice is not None]
            if trainings and not choices:
                figure = selection.figure if rule is None else rule.figure
                raise ExperimentError(
                    f'rules.{selection.name}: no validation of {name} has {figure!r}'
                )
            lines.append(
                [
                    name,
                    title,
                    spread_text(spread_of([c.value for c in choices]), decimals),
                    spread_text(spread_of([c.loss for c in choices]), decimals)
                    if choices
                    else '',
                    ', '.join(str(choice.epoch) for choice in choices),
                    str(len(choices)),
                ]
            )
    return markdown(lines, num_names=2)


def _require_figures(table: Table, results: Results) -> None:
    rows = [row for name in table.runs for row in results.of(name)]
    for figure in table.figures:
        if rows and not any(figure in figures_of(row) for row in rows):
            raise ExperimentError(
                f'tables.{table.name}.figures: no result has {figure!r}; '
                f'{rows[0]["method"]} has {", ".join(figures_of(rows[0]))}'
            )


def _cell(
    rows: Sequence[Mapping[str, Any]], figure: str, decimals: Mapping[str, int]
) -> str:
    values = [figures_of(row).get(figure) for row in rows]
    spread = spread_of([value for value in values if value is not None])
    return '' if spread is None else spread_text(spread, decimals.get(figure, 1))


def _classes(table: Table, results: Results) -> list[str]:
    if table.per_class is None:
        return []
    key = f'per_class_{table.per_class}'
    rows = [row for name in table.runs for row in results.of(name)]
    return list(dict.fromkeys(label for row in rows for label in row.get(key, {})))


def _class_cell(rows: Sequence[Mapping[str, Any]], kind: str, label: str) -> str:
    values = [row.get(f'per_class_{kind}', {}).get(label) for row in rows]
    spread = spread_of([value for value in values if value is not None])
    return '' if spread is None else spread_text(spread)


def _flat_figures(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    known = figures_of(row)
    shown = {name: known[name] for name in table.figures if name in known}
    flat = {**row['metrics'], **shown}
    for kind, figure in _CLASS_FIGURES.items():
        for label, value in row.get(f'per_class_{kind}', {}).items():
            flat[f'{figure}.{label}'] = value
    return flat
