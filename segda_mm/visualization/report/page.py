"""Runs, charts and pictures, put together in one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from segda_mm.files import write_text
from segda_mm.visualization.confusion import confusion_figure, read_confusion

from .charts import class_bars, curve_charts, figure_svg
from .runs import Curve, Run

#: Figures of the first table that are shown where there are, and their headings.
FIGURES = dict(
    PQ='PQ', AP='AP', mIoU='mIoU', aAcc='aAcc', pixel_precision='precision per pixel'
)

#: Pixels of a picture's longer side in the page.
MOST_PIXELS = 768


class Picture(NamedTuple):
    """A frame and what several runs see in it.

    ``layers`` are data URIs by the names to choose from, of pictures of one shape.
    """

    name: str
    layers: dict[str, str]


def data_uri(picture: np.ndarray) -> str:
    """A picture (H, W, 3) uint8 in RGB as WebP inside of a URI, made smaller if big."""
    scale = MOST_PIXELS / max(picture.shape[:2])
    if scale < 1:
        interpolation = cv2.INTER_AREA
        picture = cv2.resize(
            picture, None, fx=scale, fy=scale, interpolation=interpolation
        )
    quality = [cv2.IMWRITE_WEBP_QUALITY, 85]
    _, code = cv2.imencode('.webp', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
    return 'data:image/webp;base64,' + base64.b64encode(code).decode()


def write_page(
    file: str | Path,
    title: str,
    runs: Sequence[Run] = (),
    pictures: Sequence[Picture] = (),
    shown: tuple[str, str] = ('', ''),
    tables: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write a report: a page without a link to anything.

    Args:
        file: The ``.html``.
        title: Of the page.
        runs: In the order of their columns and bars.
        pictures: Frames for the slider.
        shown: The layers that the slider begins with, left and right of its edge.
        tables: Further tables as rows, by their headings.
        notes: Sentences on what is missing.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    palette = {name: color for run in runs for name, color in run.palette.items()}
    bars = {run.title: run.per_class_iou for run in runs if run.per_class_iou}
    page = environment.get_template('report.html.jinja').render(
        title=title,
        runs=runs,
        overview=_overview(runs),
        validation=_validation(runs),
        bars=class_bars(bars, palette) if bars else None,
        sections=[_section(run) for run in runs],
        pictures=pictures,
        layers=dict.fromkeys(name for part in pictures for name in part.layers),
        shown=shown,
        palette=palette if pictures else {},
        tables=tables or {},
        notes=notes,
    )
    write_text(file, page)


def _overview(runs: Sequence[Run]) -> list[dict[str, str]]:
    names = {
        key: heading
        for key, heading in FIGURES.items()
        if any(run.metrics.get(key) is not None for run in runs)
    }
    rows = []
    for run in runs:
        figures = {heading: run.metrics.get(key) for key, heading in names.items()}
        rows.append(
            dict(
                {'run': run.title},
                **{k: '-' if v is None else f'{v:.2f}' for k, v in figures.items()},
                training=_duration(run.seconds),
            )
        )
    return rows


def _duration(seconds: float) -> str:
    if not seconds:
        return '-'
    minutes = seconds / 60
    return f'{minutes:.1f} min' if minutes < 90 else f'{minutes / 60:.1f} h'


def _validation(runs: Sequence[Run]) -> str | None:
    """Figures of each validation, the same one of all runs in one chart."""
    charts: dict[str, dict[str, Curve]] = {}
    for run in runs:
        for name, curve in run.validation.items():
            # Of a class there are bars; how long it took is of no interest.
            if not name.endswith(('time', 'validated_epoch')) and 'IoU.' not in name:
                charts.setdefault(name, {})[run.title] = curve
    charts = {name: c for name, c in charts.items() if max(map(len, c.values())) > 1}
    return curve_charts(charts, runs[0].validated_by) if charts else None


def _section(run: Run) -> dict[str, Any]:
    """Charts of one run, by the keys that the template knows."""
    losses: dict[str, dict[str, Curve]] = {}
    health: dict[str, dict[str, Curve]] = {}
    trust: dict[str, Curve] = {}
    for name, curve in run.training.items():
        owner, _, figure = name.rpartition('.')
        if name.startswith('pseudo.'):
            trust[name] = curve
        elif figure.startswith('accuracy_') and 'discriminator' in owner:
            health.setdefault(owner, {})[figure.removeprefix('accuracy_')] = curve
        elif 'loss' in name:
            part, _, rest = name.partition('.')
            if part.endswith(('generator', 'discriminator')):
                losses.setdefault(part, {})[rest] = curve
            else:
                losses.setdefault('loss', {})[name] = curve
    confusion = None
    if run.confusion:
        confusion = figure_svg(
            confusion_figure(*read_confusion(run.confusion)), 'confusion matrix'
        )
    labels = dict(sorted(run.pseudo_labels.items()))
    return dict(
        losses=curve_charts(losses, 'iteration') if losses else None,
        health=curve_charts(health, 'iteration', (0, 1.02)) if health else None,
        trust=curve_charts({'pseudo labels': trust}, 'iteration', (0, 1.02))
        if trust
        else None,
        confusion=confusion,
        labels=_label_table(*list(labels.items())[-1]) if labels else None,
    )


def _label_table(epoch: int, manifest: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    for part in manifest['classes']:
        kept = part.get('kept_share')
        row = {
            'class': part['name'],
            'share of the pixels': f'{part["pixels"] / manifest["area"]:.1%}',
            'images': part['images'],
            'kept': '-' if kept is None else f'{kept:.1%}',
        }
        if 'threshold' in part:
            row['threshold'] = f'{part["threshold"]:.3f}'
        rows.append(row)
    void = f'{manifest["void_share"]:.1%} void'
    return dict(title=f'Pseudo labels of epoch {epoch}: {void}', rows=rows)
