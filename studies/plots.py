"""The pictures of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from segda_mm.atomic_file import atomic_file

from .definition import Plot
from .experiment_error import ExperimentError
from .results import Results
from .statistics import Spread, spread_of, values_of

#: Told apart with every kind of colour vision (Okabe and Ito, 2008).
COLORS = (
    '#0072B2',
    '#D55E00',
    '#009E73',
    '#CC79A7',
    '#E69F00',
    '#56B4E9',
    '#000000',
)

#: Inches.
_SIZE = (6.4, 4.0)

#: Names of runs that have room at their usual size.
_FEW = 5


def draw_plot(plot: Plot, results: Results) -> Figure | None:
    """Draw a plot of an experiment.

    Args:
        plot: Of the experiment.
        results: Of the experiment.

    Returns:
        A figure with its own canvas (``figure.savefig(path)`` needs no display);
        None where there is no result to draw.

    Raises:
        ExperimentError: a result has no such figure.
    """
    figure = Figure(figsize=_SIZE, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_prop_cycle(cycler(linestyle=('-', '--', ':')) * cycler(color=COLORS))
    axes.grid(color='0.9')
    axes.set_axisbelow(True)
    draw = dict(curves=_draw_curves, bars=_draw_bars, lines=_draw_lines)[plot.kind]
    if not draw(axes, plot, results):
        return None
    axes.set(title=plot.title, ylabel=plot.figure)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    return figure


def save_plot(figure: Figure, path: str | Path) -> None:
    """Write a figure as a PNG."""
    with atomic_file(path) as unfinished:
        figure.savefig(unfinished, format='png', dpi=150)


def curve_of(
    trainings: Sequence[Sequence[dict]], figure: str
) -> list[tuple[int, Spread]]:
    """Mean and spread of a figure of the validations, epoch by epoch.

    Args:
        trainings: The validations of every seed.
        figure: Its name.

    Returns:
        (epoch, spread) of every epoch in which a seed has the figure.
    """
    values: dict[int, list[float]] = {}
    for validations in trainings:
        for entry in validations:
            if entry.get(figure) is not None:
                values.setdefault(entry['epoch'], []).append(entry[figure])
    return [(epoch, spread_of(values[epoch])) for epoch in sorted(values)]


def _draw_curves(axes: Axes, plot: Plot, results: Results) -> bool:
    drawn = False
    for name in plot.runs:
        trainings = [row.get('validations') or [] for row in results.of(name)]
        curve = curve_of(trainings, plot.figure)
        if any(trainings) and not curve:
            raise ExperimentError(
                f'plots.{plot.name}: no validation of {name} has {plot.figure!r}'
            )
        if not curve:
            continue
        epochs = [epoch for epoch, _ in curve]
        means = [spread.mean for _, spread in curve]
        (line,) = axes.plot(epochs, means, marker='o', ms=4, label=name)
        deviations = [spread.deviation or 0 for _, spread in curve]
        axes.fill_between(
            epochs,
            [mean - deviation for mean, deviation in zip(means, deviations)],
            [mean + deviation for mean, deviation in zip(means, deviations)],
            color=line.get_color(),
            alpha=0.2,
            lw=0,
        )
        drawn = True
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel('epoch')
    if drawn:
        # Beside the axes, where no curve runs.
        axes.figure.legend(loc='outside right upper', frameon=False, fontsize=8)
    return drawn


def _draw_bars(axes: Axes, plot: Plot, results: Results) -> bool:
    drawn = False
    for place, name in enumerate(plot.runs):
        values = list(values_of(results.of(name), plot.figure).values())
        if name in plot.published:
            axes.plot(
                place, plot.published[name], 'D', mfc='white', mec='black', zorder=3
            )
        if values:
            spread = spread_of(values)
            axes.bar(place, spread.mean, yerr=spread.deviation, capsize=4, width=0.6)
            style = dict(mfc='black', mec='white', ms=4)
            axes.plot([place] * len(values), values, 'o', **style)
            drawn = True
    axes.set_xticks(range(len(plot.runs)), plot.runs, fontsize=8)
    if len(plot.runs) > _FEW:
        # Side by side, so many names would run into each other.
        axes.tick_params(axis='x', rotation=90)
    axes.grid(visible=False, axis='x')
    if plot.published:
        axes.plot([], [], 'D', mfc='white', mec='black', label='paper')
        axes.legend(frameon=False)
    return drawn


def _draw_lines(axes: Axes, plot: Plot, results: Results) -> bool:
    places = set()
    for label, where in plot.lines.items():
        points = []
        for name, x in where.items():
            spread = spread_of(list(values_of(results.of(name), plot.figure).values()))
            if spread is not None:
                points.append((x, spread.mean, spread.deviation or 0))
        if points:
            x, means, deviations = zip(*sorted(points))
            style = dict(marker='o', ms=4, capsize=4, label=label)
            axes.errorbar(x, means, deviations, **style)
            places.update(x)
    ticks = sorted(places)
    axes.set_xticks(ticks, [f'{value:g}' for value in ticks])
    axes.set_xlabel(plot.xlabel)
    if len(plot.lines) > 1 and places:
        axes.legend(frameon=False)
    return bool(places)
