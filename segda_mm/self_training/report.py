"""The report of a finished self-training: figures, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segda_mm.datasets.formats.images import open_image
from segda_mm.files import write_json
from segda_mm.visualization import colorize, colorize_panoptic
from segda_mm.visualization.report import (
    Picture,
    Run,
    data_uri,
    read_run,
    write_page,
)

from .configs import PlanConfigs, build, index_by_name, reading_pipeline
from .plan import PREVIOUS_STUDENT, Plan

#: How many frames of a set are shown.
NUM_FRAMES = 4


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
    """Write ``report.json`` and the page ``report.html``, whose path is returned."""
    write_json(configs.work_dir / 'report.json', report)
    pictures = [
        frame for name in configs.plan.unlabeled for frame in _draw(configs, name)
    ]
    names = {name for picture in pictures for name in picture.layers}
    page = configs.work_dir / 'report.html'
    write_page(
        page,
        'Self-training',
        [_run(configs, entry) for entry in report['rounds']],
        pictures,
        (
            'round 1',
            'truth' if 'truth' in names else f'round {len(report["rounds"]) - 1}',
        ),
        _tables(report),
    )
    return page


def _run(configs: PlanConfigs, entry: Mapping[str, Any]) -> Run:
    checkpoint = configs.work_dir / entry['checkpoint']
    run = read_run(checkpoint.parent, {}, checkpoint, f'round {entry["round"]}')
    # As the page may be moved with the folder that it is of.
    run.folder = Path(entry['checkpoint']).parent
    run.metrics = entry['metrics']
    run.per_class_iou = entry.get('per_class_iou') or {}
    return run


def _tables(report: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
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
    tables = {'Rounds': rounds, 'Pseudo labels': labels}
    return {heading: _without_empty_columns(rows) for heading, rows in tables.items()}


def _draw(configs: PlanConfigs, name: str) -> list[Picture]:
    """Frames of one set under the labels of each round, and the truth if known."""
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
    first = datasets['round 1']
    frames = sorted(where['round 1'])
    places = np.linspace(0, len(frames) - 1, min(NUM_FRAMES, len(frames)))
    pictures = []
    for frame in (frames[round(place)] for place in places):
        info = first.get_data_info(where['round 1'][frame])
        with open_image(info['img_path']) as image:
            layers = dict(image=np.asarray(image.convert('RGB')))
        for title, dataset in datasets.items():
            if frame in where[title]:
                sample = dataset[where[title][frame]]
                layers[title] = _paint(sample, first.metainfo['palette'])
        uris = {title: data_uri(layer) for title, layer in layers.items()}
        pictures.append(Picture(f'{name}: {frame}', uris))
    return pictures


def _paint(sample: Mapping, palette: Sequence) -> np.ndarray:
    """Labels in colours, instances in shades."""
    if 'gt_panoptic_seg' in sample:
        return colorize_panoptic(sample['gt_panoptic_seg'], palette)
    return colorize(sample['gt_seg_map'], palette)


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


def _without_empty_columns(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    names = [name for name in rows[0] if any(row[name] != '-' for row in rows)]
    return [{name: row[name] for name in names} for row in rows]
