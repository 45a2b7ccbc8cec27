"""The report of a finished self-training: figures, tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from segda_mm.files import atomic_file
from segda_mm.visualization import colorize, colorize_panoptic

from .configs import PlanConfigs, build, index_by_name, reading_pipeline
from .plan import PREVIOUS_STUDENT, Plan, stages_of

#: Figures of the table of rounds, where the evaluation has them.
HEADLINE = ('PQ', 'AP', 'mIoU')

#: Inches of one panel.
PANEL_WIDTH = 3.2

#: Frames of a set that are shown.
NUM_FRAMES = 4


def make_report(plan: Plan, results: Mapping[str, Mapping]) -> dict[str, Any]:
    """Gather what the stages left.

    Args:
        plan: The plan.
        results: Name of a stage -> its result.

    Returns:
        ``rounds``, one entry for the first teacher and for every round:
        ``round``, ``student`` (name of the config), ``teacher`` (of the labels;
        None in round 0), ``parameters``, ``starts_from``, ``trained_on``,
        ``checkpoint``, ``metrics`` and the figures of every class; and
        ``labels``, one entry for every round and set: ``round``, ``set``,
        ``images``, ``labeled`` (percent of their pixels that is not void), and
        ``quality`` where there is a truth.
    """
    rounds, labels = [], []
    trainings = [plan.teacher, *(part.student for part in plan.rounds)]
    students = [Path(training.config).stem for training in trainings]
    for number, name in enumerate(students):
        rounds.append(
            dict(
                round=number,
                student=name,
                teacher=students[number - 1] if number else None,
                starts_from=_start(plan, number),
                trained_on=_material(plan, number),
                **results[f'{number}-evaluate'],
            )
        )
    for stage in stages_of(plan):
        if stage.kind != 'label':
            continue
        quality = results.get(f'{stage.round}-quality', {}).get('sets', {})
        for name, made in results[stage.name]['sets'].items():
            entry = dict(round=stage.round, set=name, **made)
            labels.append(dict(entry, quality=quality.get(name)))
    return dict(rounds=rounds, labels=labels)


def report_text(report: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """The report as Markdown.

    Args:
        report: Of :func:`make_report`.
        pictures: Name of a set -> path of its figure, relative to the report.
    """
    rounds = report['rounds']
    figures = [
        name for name in HEADLINE if any(name in entry['metrics'] for entry in rounds)
    ]
    rows = [
        [
            str(entry['round']),
            entry['student'],
            entry['teacher'] or '-',
            f'{entry["parameters"] / 1e6:.2f} M',
            entry['starts_from'],
            entry['trained_on'],
            *(_figure(entry['metrics'].get(name)) for name in figures),
        ]
        for entry in rounds
    ]
    head = ['round', 'student', 'teacher', 'parameters', 'starts from', 'trained on']
    parts = ['# Rounds', _table([*head, *figures], rows, len(figures))]

    judged = [entry for entry in report['labels'] if entry['quality']]
    parts += ['# Pseudo labels']
    quality_figures = [
        name
        for name in ('PQ', 'mIoU')
        if any(name in entry['quality'] for entry in judged)
    ]
    rows = []
    for entry in report['labels']:
        quality = entry['quality'] or {}
        rows.append(
            [
                str(entry['round']),
                entry['set'],
                str(entry['images']),
                _figure(entry['labeled']),
                str(quality.get('images', 0)),
                *(_figure(quality.get(name)) for name in quality_figures),
            ]
        )
    head = ['round', 'set', 'images', 'labelled pixels', 'judged']
    parts.append(_table([*head, *quality_figures], rows, 3 + len(quality_figures)))
    if judged:
        parts.append(
            'Images that the teacher was trained on with their true labels are not '
            'judged.'
        )
    for name, path in pictures.items():
        parts += [f'# Labels of the same frames: {name}', f'![{name}]({path})']
    return '\n\n'.join(parts) + '\n'


def write_report(configs: PlanConfigs, report: Mapping[str, Any]) -> Path:
    """Write ``report.json``, ``report.md`` and ``labels_<set>.png``.

    Args:
        configs: The plan, of which every stage is finished, and its configs.
        report: Of :func:`make_report`.

    Returns:
        Path of the Markdown file.
    """
    pictures = {name: _draw_labels(configs, name) for name in configs.plan.unlabeled}
    texts = {
        'report.json': json.dumps(report, indent=2, allow_nan=False) + '\n',
        'report.md': report_text(report, pictures),
    }
    for name, text in texts.items():
        with atomic_file(configs.work_dir / name) as unfinished:
            unfinished.write_text(text, encoding='utf-8')
    return configs.work_dir / 'report.md'


def rounds_figure(
    images: Sequence[np.ndarray], columns: Mapping[str, Sequence[np.ndarray | None]]
) -> Figure:
    """Draw a row for every frame: the image, then a column for each title.

    Args:
        images: RGB images, each (H, W, 3) uint8.
        columns: Title -> RGB pictures, as many as images; None leaves a panel
            empty.

    Returns:
        A figure with its own canvas (``figure.savefig(path)``).
    """
    height, width = images[0].shape[:2]
    columns = {'image': images, **columns}
    size = (
        PANEL_WIDTH * len(columns),
        PANEL_WIDTH * height / width * len(images) + 0.3,
    )
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(images), len(columns), squeeze=False)
    for column, (title, pictures) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=9)
        for row, picture in enumerate(pictures):
            axes[row, column].set_axis_off()
            if picture is not None:
                axes[row, column].imshow(picture, interpolation='nearest')
    return figure


def _draw_labels(configs: PlanConfigs, name: str) -> str:
    """Draw labels of one set round by round; returns the name of the file."""
    cfg = configs.config(configs.plan.teacher)
    pipeline = reading_pipeline(cfg)
    parts = {
        f'round {number}': configs.pseudo_labeled(number, name, cfg, pipeline)
        for number in range(1, len(configs.plan.rounds) + 1)
    }
    truth = configs.plan.unlabeled[name].truth
    if truth is not None:
        parts['truth'] = dict(truth, pipeline=pipeline)
    datasets = {title: build(part, cfg) for title, part in parts.items()}
    where = {title: index_by_name(dataset) for title, dataset in datasets.items()}
    first, names = datasets['round 1'], sorted(where['round 1'])
    places = np.linspace(0, len(names) - 1, min(NUM_FRAMES, len(names)))
    frames = [names[round(place)] for place in places]
    palette = first.metainfo['palette']
    columns = {
        title: [
            _paint(dataset[where[title][frame]], palette)
            if frame in where[title]
            else None
            for frame in frames
        ]
        for title, dataset in datasets.items()
    }
    images = []
    for frame in frames:
        info = first.get_data_info(where['round 1'][frame])
        with Image.open(info['img_path']) as image:
            images.append(np.asarray(image.convert('RGB')))
    file = f'labels_{name}.png'
    with atomic_file(configs.work_dir / file) as unfinished:
        rounds_figure(images, columns).savefig(unfinished, format='png', dpi=120)
    return file


def _paint(sample: Mapping, palette: Sequence) -> np.ndarray:
    """Labels in colours, instances in shades, (H, W, 3) uint8 RGB."""
    if 'gt_panoptic_seg' in sample:
        return colorize_panoptic(sample['gt_panoptic_seg'], palette)
    return colorize(sample['gt_seg_map'], palette)


def _start(plan: Plan, number: int) -> str:
    training = plan.rounds[number - 1].student if number else plan.teacher
    if training.checkpoint:
        return f'given: {training.checkpoint}'
    if training.init == PREVIOUS_STUDENT:
        return f'student of round {number - 1}'
    return training.init or 'its config'


def _material(plan: Plan, number: int) -> str:
    if not number:
        return 'labelled'
    material = 'pseudo-labelled'
    if plan.mix_labeled:
        material += ' + labelled'
    if plan.rounds[number - 1].finetune:
        material += ', then labelled'
    return material


def _figure(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _table(head: list[str], rows: list[list[str]], right: int) -> str:
    rules = ['---'] * (len(head) - right) + ['---:'] * right
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in [head, rules, *rows])
