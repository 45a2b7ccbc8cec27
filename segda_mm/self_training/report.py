"""The report of a finished self-training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .plan import PREVIOUS_STUDENT, Plan
from .stages import stages_of

#: Figures of the table of rounds, where the evaluation has them.
HEADLINE = ('PQ', 'AP', 'mIoU')


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
    student_names = [_stem(plan.teacher.config)]
    student_names += [_stem(part.student.config) for part in plan.rounds]
    for number, name in enumerate(student_names):
        evaluated = results[f'{number}-evaluate']
        rounds.append(
            dict(
                round=number,
                student=name,
                teacher=student_names[number - 1] if number else None,
                starts_from=_start(plan, number),
                trained_on=_material(plan, number),
                **evaluated,
            )
        )
    for stage in stages_of(plan):
        if stage.kind != 'label':
            continue
        quality = results.get(f'{stage.round}-quality', {}).get('sets', {})
        for name, made in results[stage.name]['sets'].items():
            labels.append(
                dict(
                    round=stage.round,
                    set=name,
                    images=made['images'],
                    labeled=made['labeled'],
                    quality=quality.get(name),
                )
            )
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


def _stem(config: str) -> str:
    return Path(config).stem


def _figure(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _table(head: list[str], rows: list[list[str]], right: int) -> str:
    rules = ['---'] * (len(head) - right) + ['---:'] * right
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in [head, rules, *rows])
