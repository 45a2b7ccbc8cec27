"""The report of a finished self-training: figures, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from segda_mm.files import atomic_file, write_json, write_text
from segda_mm.visualization import colorize, colorize_panoptic

from .configs import PlanConfigs, build, index_by_name, reading_pipeline
from .plan import PREVIOUS_STUDENT, Plan

#: Width in pixels of one panel, and how many frames of a set are shown.
PANEL_WIDTH, NUM_FRAMES = 384, 4


def make_report(plan: Plan, results: Mapping[str, Mapping]) -> dict[str, Any]:
    """Gather what the stages left, given by their names.

    Returns:
        ``rounds``, of the first teacher and every round: with ``teacher`` (of the
        labels; None in round 0), ``checkpoint``, ``metrics`` and the figures of every
        class; and ``labels``, of every round and set: with ``images``, ``labeled``
        (percent of the pixels), and ``quality`` or None.
    """
    trainings = [plan.teacher, *(part.student for part in plan.rounds)]
    students = [Path(training.config).stem for training in trainings]
    rounds = [
        dict(
            round=number,
            student=name,
            teacher=_teacher(plan, number, students),
            starts_from=_start(plan, number),
            trained_on=_material(plan, number),
            **results[f'{number}-evaluate'],
        )
        for number, name in enumerate(students)
    ]
    labels = []
    for number in range(1, len(students)):
        quality = results.get(f'{number}-quality', {}).get('sets', {})
        for name, made in results[f'{number}-label']['sets'].items():
            entry = dict(round=number, set=name, **made, quality=quality.get(name))
            labels.append(entry)
    return dict(rounds=rounds, labels=labels)


def write_report(configs: PlanConfigs, report: Mapping[str, Any]) -> Path:
    """Write ``report.json``, pictures of labels, and ``report.md``: its path."""
    pictures = {name: _draw_labels(configs, name) for name in configs.plan.unlabeled}
    write_json(configs.work_dir / 'report.json', report)
    write_text(configs.work_dir / 'report.md', _text(report, pictures))
    return configs.work_dir / 'report.md'


def _text(report: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """The report as Markdown, with the path of each set's figure."""
    rounds = [
        {
            'round': str(entry['round']),
            'student': entry['student'],
            'teacher': entry['teacher'] or '-',
            'parameters': f'{entry["parameters"] / 1e6:.2f} M',
            'starts from': entry['starts_from'],
            'trained on': entry['trained_on'],
            **_figures(entry['metrics'], ('PQ', 'AP', 'mIoU')),
        }
        for entry in report['rounds']
    ]
    labels = []
    for entry in report['labels']:
        quality = entry['quality'] or {}
        row = {name: str(entry[name]) for name in ('round', 'set', 'images')}
        row['labelled pixels'] = f'{entry["labeled"]:.2f}'
        row['judged'] = str(quality.get('images', 0))
        labels.append(row | _figures(quality, ('PQ', 'mIoU')))
    parts = ['# Rounds', _table(rounds), '# Pseudo labels', _table(labels)]
    for name, path in pictures.items():
        parts += [f'# Labels of the same frames: {name}', f'![{name}]({path})']
    return '\n\n'.join(parts) + '\n'


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
    first = datasets['round 1']
    places = index_by_name(first)
    shown = np.linspace(0, len(places) - 1, min(NUM_FRAMES, len(places)))
    frames = [sorted(places)[round(place)] for place in shown]
    columns: dict[str, list[Image.Image | None]] = dict(image=[])
    for frame in frames:
        with Image.open(first.get_data_info(places[frame])['img_path']) as image:
            columns['image'].append(image.convert('RGB'))
    for title, dataset in datasets.items():
        where = index_by_name(dataset)
        columns[title] = [
            _paint(dataset[where[frame]], first.metainfo['palette'])
            if frame in where
            else None
            for frame in frames
        ]
    file = f'labels_{name}.png'
    with atomic_file(configs.work_dir / file) as unfinished:
        _sheet(columns).save(unfinished, format='png')
    return file


def _sheet(columns: Mapping[str, Sequence[Image.Image | None]]) -> Image.Image:
    """Pictures in titled columns."""
    width, height = columns['image'][0].size
    width, height = PANEL_WIDTH, PANEL_WIDTH * height // width
    sheet = Image.new('RGB', (width * len(columns), height * len(columns['image'])))
    for column, (title, pictures) in enumerate(columns.items()):
        for row, picture in enumerate(pictures):
            if picture is not None:
                panel = picture.resize((width, height), Image.Resampling.NEAREST)
                sheet.paste(panel, (column * width, row * height))
        ImageDraw.Draw(sheet).text(
            (column * width + 4, 4), title, stroke_width=1, stroke_fill='black'
        )
    return sheet


def _paint(sample: Mapping, palette: Sequence) -> Image.Image:
    """Labels in colours, instances in shades."""
    if 'gt_panoptic_seg' in sample:
        return Image.fromarray(colorize_panoptic(sample['gt_panoptic_seg'], palette))
    return Image.fromarray(colorize(sample['gt_seg_map'], palette))


def _teacher(plan: Plan, number: int, students: Sequence[str]) -> str | None:
    if not number:
        return None
    tuned = plan.rounds[number - 1].teacher is not None
    return students[number - 1] + ', fine-tuned' * tuned


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
    tuned = plan.rounds[number - 1].finetune is not None
    mixed = ' + labelled' * plan.mix_labeled
    return f'pseudo-labelled{mixed}' + ', then labelled' * tuned


def _figures(entry: Mapping, names: Sequence[str]) -> dict[str, str]:
    return {
        name: '-' if entry.get(name) is None else f'{entry[name]:.2f}' for name in names
    }


def _table(rows: list[dict[str, str]]) -> str:
    """Rows as Markdown, without the columns that are '-' in all of them."""
    names = [name for name in rows[0] if any(row[name] != '-' for row in rows)]
    lines = [names, ['---'] * len(names)]
    lines += [[row[name] for name in names] for row in rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
