"""Charts of a report as inline SVG, whose texts stay texts."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .runs import Curve

#: Inches of a chart, and how many lie side by side.
WIDTH, HEIGHT, COLUMNS = 4.4, 2.5, 2

#: More points than a chart has pixels are thinned out.
MOST_POINTS = 600

_STYLE = {
    'svg.fonttype': 'none',
    'font.family': 'sans-serif',
    'font.size': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'grid.alpha': 0.25,
}


def curve_charts(
    charts: Mapping[str, Mapping[str, Curve]],
    xlabel: str,
    limits: tuple[float, float] | None = None,
) -> str:
    """Draw curves by the titles of their charts; each is a group named as it is."""
    rows = -(-len(charts) // COLUMNS)
    size = WIDTH * min(COLUMNS, len(charts)), HEIGHT * rows
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout='constrained')
        FigureCanvasSVG(figure)
        grid = figure.subplots(rows, min(COLUMNS, len(charts)), squeeze=False).ravel()
        for axes in grid[len(charts) :]:
            axes.set_visible(False)
        for axes, (title, curves) in zip(grid, charts.items()):
            for name, curve in curves.items():
                points = np.array(curve[:: -(-len(curve) // MOST_POINTS)], float)
                marker = '.' if len(points) < 30 else None
                (line,) = axes.plot(*points.T, label=name, marker=marker, linewidth=1.4)
                line.set_gid(f'{title}: {name}')
            axes.set(title=title, xlabel=xlabel)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            if limits:
                axes.set_ylim(*limits)
            if len(curves) > 1 or name != title:
                axes.legend(fontsize=7, frameon=False)
        return _svg(figure, '; '.join(charts))


def class_bars(
    figures: Mapping[str, Mapping[str, float | None]],
    palette: Mapping[str, Sequence[int]],
) -> str:
    """Draw the IoU of each class, in percent, one bar a run.

    Args:
        figures: IoU by class, by the title of the run; None is left out.
        palette: RGB by class, for the bars of a single run.
    """
    classes = list(dict.fromkeys(name for run in figures.values() for name in run))
    height = 0.8 / len(figures)
    size = WIDTH * 2, 0.6 + len(classes) * max(0.24, 0.12 * len(figures))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout='constrained')
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for place, (title, run) in enumerate(figures.items()):
            values = [run.get(name) for name in classes]
            color = None
            if len(figures) == 1:
                color = [
                    np.array(palette.get(c, (90, 120, 160))) / 255 for c in classes
                ]
            bars = axes.barh(
                np.arange(len(classes)) + (place - (len(figures) - 1) / 2) * height,
                [value or 0 for value in values],
                height * 0.9,
                label=title,
                color=color,
                edgecolor='0.4',
                linewidth=0.4,
            )
            texts = ['-' if value is None else f'{value:.1f}' for value in values]
            axes.bar_label(bars, texts, padding=2, fontsize=8 if color else 6)
        axes.set_yticks(range(len(classes)), classes)
        axes.invert_yaxis()
        axes.set(xlim=(0, 100), xlabel='IoU, %')
        if len(figures) > 1:
            axes.legend(fontsize=8, frameon=False, loc='lower right')
        return _svg(figure, 'IoU per class')


def figure_svg(figure: Figure, name: str) -> str:
    """A figure as inline SVG, read out as ``name``."""
    with mpl.rc_context(_STYLE):
        return _svg(figure, name)


def _svg(figure: Figure, name: str) -> str:
    file = io.StringIO()
    # The salt keeps the ids of charts on one page apart, and the same in every run.
    with mpl.rc_context({'svg.hashsalt': name}):
        figure.savefig(file, format='svg', transparent=True, metadata={'Date': None})
    _, _, drawing = file.getvalue().partition('<svg ')
    return f'<svg role="img" aria-label="{html.escape(name)}" {drawing}'
