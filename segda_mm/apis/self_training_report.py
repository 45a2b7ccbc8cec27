"""The report of a self-training, with its pictures, in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segda_mm.files import atomic_file, write_json, write_text
from segda_mm.self_training.label_pictures import paint_labels, rounds_figure, spread
from segda_mm.self_training.quality import index_by_name
from segda_mm.self_training.report import report_text
from segda_mm.self_training.training_data import build

from .self_training_context import PlanContext, reading_pipeline


def write_report(context: PlanContext, report: Mapping[str, Any]) -> Path:
    """Write ``report.json``, ``report.md`` and ``labels_<set>.png``.

    Args:
        context: the plan, of which every stage is finished.
        report: of :func:`segda_mm.self_training.report.make_report`.

    Returns:
        Path of the Markdown file.
    """
    pictures = {name: _draw_labels(context, name) for name in context.plan.unlabeled}
    write_json(context.work_dir / 'report.json', report)
    write_text(context.work_dir / 'report.md', report_text(report, pictures))
    return context.work_dir / 'report.md'


def _draw_labels(context: PlanContext, name: str) -> str:
    """Draw labels of one set round by round; returns the name of the file."""
    cfg = context.config(context.plan.teacher)
    pipeline = reading_pipeline(cfg)
    datasets = {
        f'round {number}': build(
            context.pseudo_labeled(number, name, cfg, pipeline), cfg
        )
        for number in range(1, len(context.plan.rounds) + 1)
    }
    truth = context.plan.unlabeled[name].truth
    if truth is not None:
        datasets['truth'] = build(dict(truth, pipeline=pipeline), cfg)
    where = {title: index_by_name(dataset) for title, dataset in datasets.items()}
    first, frames = datasets['round 1'], where['round 1']
    shown = spread(list(frames))
    columns = {
        title: [
            paint_labels(dataset[where[title][frame]], first.metainfo['palette'])
            if frame in where[title]
            else None
            for frame in shown
        ]
        for title, dataset in datasets.items()
    }
    images = [
        _read_image(first.get_data_info(frames[frame])['img_path']) for frame in shown
    ]
    file = f'labels_{name}.png'
    with atomic_file(context.work_dir / file) as unfinished:
        rounds_figure(images, columns).savefig(unfinished, format='png', dpi=120)
    return file


def _read_image(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB'))
