"""A confusion matrix as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from segda_mm.files import atomic_file, write_text


def confusion_figure(counts: np.ndarray, classes: Sequence[str]) -> Figure:
    """Draw which share of each true class is predicted as what, without a display.

    Args:
        counts: Pixels by true and predicted class, (C, C).
        classes: Their C names.
    """
    total = counts.sum(1, keepdims=True)
    shares = 100 * np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    side = 2.2 + 0.34 * len(classes)
    figure = Figure(figsize=(side, side), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.imshow(shares, cmap='Blues', vmin=0, vmax=100)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=90)
    axes.set_yticks(
        ticks, [name if n else f'{name} (none)' for name, n in zip(classes, total)]
    )
    axes.set(xlabel='predicted', ylabel='true', title='% of the pixels of a true class')
    for row, column in zip(*np.nonzero(shares >= 0.5)):
        share = shares[row, column]
        color = 'white' if share > 60 else 'black'
        place = dict(ha='center', va='center', fontsize=7, color=color)
        axes.text(column, row, f'{share:.0f}', **place)
    return figure


def write_confusion(
    file: str | Path, counts: np.ndarray, classes: Sequence[str]
) -> None:
    """Write pixels by true (row) and predicted class as CSV, and a ``.png`` beside."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator='\n')
    writer.writerow(['true \\ predicted', *classes])
    writer.writerows([name, *row] for name, row in zip(classes, counts.tolist()))
    write_text(file, table.getvalue())
    with atomic_file(Path(file).with_suffix('.png')) as unfinished:
        confusion_figure(counts, classes).savefig(unfinished, dpi=110, format='png')


def read_confusion(file: str | Path) -> tuple[np.ndarray, list[str]]:
    """Counts (C, C) and names of what :func:`write_confusion` wrote."""
    head, *rows = csv.reader(Path(file).read_text('utf-8').splitlines())
    return np.array([row[1:] for row in rows], dtype=np.int64), head[1:]
