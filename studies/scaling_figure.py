"""Measured costs against sizes, with the exponent of the power law between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from segda_mm.atomic_file import atomic_file

#: Inches of one panel; four side by side are then a page wide.
PANEL_SIZE = (3.6, 3.6)


def power_law_exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of log y over log x by least squares: 1 is in proportion.

    Args:
        x: Positive sizes, at least two different ones.
        y: Positive costs, as many as sizes.

    Raises:
        ValueError: There are fewer than two different sizes, or a value is not
            positive.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(np.unique(x)) < 2:
        raise ValueError(f'a slope needs at least two different sizes, got {x}')
    if not ((x > 0).all() and (y > 0).all()):
        raise ValueError(f'a power law needs positive values, got {x} and {y}')
    x, y = np.log(x), np.log(y)
    x -= x.mean()
    return float(x @ y / (x @ x))


def scaling_figure(panels: Sequence[Mapping]) -> Figure:
    """Draw every panel with logarithmic axes, and its slopes in the legend.

    Args:
        panels: Each with ``title``, ``x_label``, ``y_label`` and ``curves``:
            points by name, each point with ``x``, ``y`` and the quartiles ``low``
            and ``high`` of y.

    Returns:
        A figure with its own canvas (``figure.savefig(path)`` needs no display).

    Raises:
        ValueError: There is no panel.
    """
    if not panels:
        raise ValueError('there is no panel to draw')
    size = PANEL_SIZE[0] * len(panels), PANEL_SIZE[1]
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        sizes = sorted(
            {point['x'] for points in panel['curves'].values() for point in points}
        )
        for name, points in panel['curves'].items():
            x, y, low, high = (
                np.array([point[key] for point in points])
                for key in ('x', 'y', 'low', 'high')
            )
            if len(points) > 1:
                name += f': slope {power_law_exponent(x, y):.2f}'
            axes.errorbar(x, y, (y - low, high - y), marker='o', ms=4, label=name)
        axes.set(
            xlabel=panel['x_label'],
            ylabel=panel['y_label'],
            xscale='log',
            yscale='log',
        )
        axes.set_xticks(sizes, [f'{size:g}' for size in sizes], rotation=45)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter('{x:g}')
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.grid(color='0.9')
        # Above the curves, which may run anywhere.
        axes.legend(
            title=panel['title'],
            loc='lower left',
            bbox_to_anchor=(0, 1),
            fontsize=8,
            frameon=False,
        )
    return figure


def save_scaling_figure(panels: Sequence[Mapping], path: str | Path) -> None:
    """Write :func:`scaling_figure` as a picture of the kind its name says.

    Args:
        panels: see :func:`scaling_figure`.
        path: of the picture; without a suffix it is a PNG.
    """
    kind = Path(path).suffix.removeprefix('.') or 'png'
    with atomic_file(path) as unfinished:
        scaling_figure(panels).savefig(unfinished, format=kind, dpi=100)
