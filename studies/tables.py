"""From stored lines to tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from studies.study import Differences, Gap, Plot, Study, StudyError, Table

#: Told apart with every kind of colour vision (Okabe and Ito, 2008).
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9')

_CLASS_FIGURES = {'iou': 'IoU', 'pq': 'PQ', 'ap': 'AP'}


class Results:
    """The newest line of every result and seed of a study.

    Args:
        study: The study.
        lines: Of its file of results, oldest first.

    Attributes:
        lines: (result, seed) -> line, in the order of the rows.
        figures: One line a result and seed, one column a figure; those of single
            classes are called ``IoU.<class>``.
    """

    def __init__(self, study: Study, lines: Iterable[Mapping[str, Any]]) -> None:
        self.study = study
        known = {
            (line['method'], line['seed']): line
            for line in lines
            if line['seed'] in study.seeds
        }
        self.lines = {
            key: known[key]
            for row in study.rows
            for key in sorted(known)
            if row.owns(key[0])
        }
        index = pd.MultiIndex.from_tuples(self.lines, names=['method', 'seed'])
        self.figures = pd.DataFrame(
            [_figures(line) for line in self.lines.values()], index=index, dtype=float
        )

    def of(self, result: str, figure: str) -> pd.Series:
        """Seed -> value of a figure, without those for which it is undefined."""
        if result not in self.figures.index.get_level_values(0):
            return pd.Series(dtype=float)
        if figure not in self.figures:
            raise StudyError(f'{self.study.name}: no result has {figure!r}')
        return self.figures.loc[result][figure].dropna()

    def validations(self, result: str) -> dict[int, pd.DataFrame]:
        """Seed -> figures of the validations, by epoch."""
        return {
            seed: pd.DataFrame(line['validations']).set_index('epoch')
            for (name, seed), line in self.lines.items()
            if name == result and line.get('validations')
        }

    def decimals(self, figure: str) -> int:
        """Digits behind the point of a figure."""
        return self.study.decimals.get(figure, 1)


def _figures(line: Mapping[str, Any]) -> dict[str, float | None]:
    figures = {**line.get('training', {}), **line['metrics']}
    for kind, name in _CLASS_FIGURES.items():
        for label, value in line.get(f'per_class_{kind}', {}).items():
            figures[f'{name}.{label}'] = value
    return figures


def number(value: float, decimals: int = 1, signed: bool = False) -> str:
    """A value with fixed digits behind the point; no zero has a sign."""
    text = f'{value:{"+" if signed else ""}.{decimals}f}'
    return text if float(text) else text.lstrip('+-')


def spread(values: pd.Series, decimals: int = 1, signed: bool = False) -> str:
    """Mean and sample standard deviation, as ``17.3 ± 1.2``; nothing of no values."""
    if values.empty:
        return ''
    text = number(values.mean(), decimals, signed)
    if len(values) > 1:
        text += f' ± {number(values.std(), decimals)}'
    return text


def each(values: pd.Series, decimals: int = 1, signed: bool = False) -> str:
    """Values one after the other, as ``+1.0, +2.0, -0.3``."""
    return ', '.join(number(value, decimals, signed) for value in values)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """A table in Markdown; all but the first ``names`` columns are numbers."""
    rule = ['---'] * names + ['---:'] * (len(head) - names)
    cells = ([cell.replace('|', '\\|') for cell in row] for row in [head, rule, *rows])
    return '\n'.join(f'| {" | ".join(row)} |' for row in cells)


def results_table(table: Table, results: Results) -> str:
    """Mean ± sample standard deviation over the seeds, one line a result."""
    published = pd.DataFrame.from_dict(dict(table.published), orient='index')
    published.columns = [*table.figures][: published.shape[1]]
    published = published.astype(float).dropna(axis='columns', how='all')
    head = ['method', *table.figures.values()]
    head += [f'paper: {table.figures[figure]}' for figure in published]
    rows, left_out = [], []
    for name in table.rows:
        values = {figure: results.of(name, figure) for figure in table.figures}
        if all(part.empty for part in values.values()):
            left_out.append(f'`{name}`')
            continue
        cells = [spread(part, results.decimals(key)) for key, part in values.items()]
        papers = published.reindex([name]).iloc[0]
        cells += ['' if pd.isna(paper) else number(paper) for paper in papers]
        rows.append([name, *cells, str(max(map(len, values.values())))])
    text = markdown([*head, 'seeds'], rows) if rows else ''
    if left_out:
        text += f'\n\nNot run yet: {", ".join(left_out)}.'
    return text.strip()


def class_table(table: Table, results: Results) -> str:
    """Means over the seeds of a figure of every class."""
    prefix = f'{_CLASS_FIGURES[table.by_class]}.'
    columns = [name for name in results.figures if name.startswith(prefix)]
    run = [name for name in table.rows if name in results.figures.index]
    means = results.figures[columns].groupby(level=0).mean()
    rows = [
        [name, *('' if pd.isna(x) else number(x) for x in means.loc[name])]
        for name in run
    ]
    return markdown(['method', *(name.removeprefix(prefix) for name in columns)], rows)


def differences_table(part: Differences, results: Results) -> str:
    """Differences paired by seed, with a two-sided paired t-test."""
    head = ('method', 'baseline', 'in each seed', 'mean', 't', 'p', 'better in')
    rows = []
    for method, baseline in part.pairs:
        values = results.of(method, part.figure) - results.of(baseline, part.figure)
        values = values.dropna()
        if values.empty:
            continue
        decimals = results.decimals(part.figure)
        t = p = ''
        if len(values) > 1 and values.std() > 0:
            test = stats.ttest_1samp(values, 0)
            t = number(test.statistic, 2)
            p = number(test.pvalue, 3) if test.pvalue >= 0.001 else '< 0.001'
        cells = [f(values, decimals, signed=True) for f in (each, spread)]
        better = f'{(values > 0).sum()} of {len(values)}'
        rows.append((method, baseline, *cells, t, p, better))
    return markdown(head, rows, names=3) if rows else ''


def gap_table(gap: Gap, results: Results) -> str:
    """The share of a gap that is closed, in percent, in each seed and on average."""
    lower, upper = (results.of(name, gap.figure) for name in (gap.lower, gap.upper))
    width = (upper - lower).replace(0, float('nan'))
    rows = []
    for name in gap.rows:
        shares = (100 * (results.of(name, gap.figure) - lower) / width).dropna()
        if not shares.empty:
            rows.append((name, each(shares, 0), spread(shares, 0)))
    head = ('method', 'closed in each seed, %', 'closed, %')
    return markdown(head, rows, names=2) if rows else ''


def draw(plot: Plot, results: Results) -> Figure | None:
    """Draw a plot; None where there is no result to draw."""
    figure = Figure(figsize=(6.4, 4.0), layout='constrained')
    axes = figure.subplots()
    axes.set_prop_cycle(cycler(linestyle=('-', '--', ':')) * cycler(color=COLORS))
    axes.grid(color='0.9')
    axes.set_axisbelow(True)
    _DRAW[plot.kind](axes, plot, results)
    if not axes.has_data():
        return None
    axes.set(title=plot.title, ylabel=plot.figure)
    axes.spines[['top', 'right']].set_visible(False)
    return figure


def _draw_curves(axes: Axes, plot: Plot, results: Results) -> None:
    for name in plot.rows:
        parts = results.validations(name).values()
        parts = [part[plot.figure].astype(float) for part in parts]
        if parts:
            seeds = pd.concat(parts, axis=1)
            mean, deviation = seeds.mean(axis=1), seeds.std(axis=1).fillna(0)
            (line,) = axes.plot(mean.index, mean, marker='o', ms=4, label=name)
            low, high = mean - deviation, mean + deviation
            axes.fill_between(
                mean.index, low, high, color=line.get_color(), alpha=0.2, lw=0
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel('epoch')
    # Beside the axes, where no curve runs.
    axes.figure.legend(loc='outside right upper', frameon=False, fontsize=8)


def _draw_bars(axes: Axes, plot: Plot, results: Results) -> None:
    run = [name for name in plot.rows if not results.of(name, plot.figure).empty]
    for place, name in enumerate(run):
        values = results.of(name, plot.figure)
        deviation = values.std() if len(values) > 1 else None
        axes.bar(place, values.mean(), yerr=deviation, capsize=4, width=0.6)
        dots = dict(mfc='black', mec='white', ms=4)
        axes.plot([place] * len(values), values, 'o', **dots)
    axes.set_xticks(range(len(run)), run, fontsize=8, rotation=90)
    axes.grid(visible=False, axis='x')


def _draw_lines(axes: Axes, plot: Plot, results: Results) -> None:
    for label, where in plot.rows.items():
        values = {x: results.of(name, plot.figure) for name, x in where.items()}
        values = {x: values[x] for x in sorted(values) if not values[x].empty}
        if len(values) > 1:
            points = pd.DataFrame(values)
            style = dict(marker='o', ms=4, capsize=4, label=label)
            deviations = points.std().fillna(0)
            axes.errorbar(points.columns, points.mean(), deviations, **style)
    axes.set_xlabel(plot.xlabel)
    if len(axes.containers) > 1:
        axes.legend(frameon=False)


_DRAW = dict(curves=_draw_curves, bars=_draw_bars, lines=_draw_lines)
