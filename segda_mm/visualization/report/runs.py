"""What a run has left in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: A figure over time: where (iteration or epoch) and how much.
Curve = list[tuple[int, float]]

#: Written by a training beside its log: command, versions, device.
PROVENANCE = 'provenance.json'


@dataclass
class Run:
    """A run as its files tell it.

    Attributes:
        folder: Its work directory.
        title: What the report calls it.
        checkpoint: The file that stands for the run.
        choice: By which rule it was chosen, a sentence.
        training, validation: Curves of the logged figures, by their names.
        metrics: Figures of the checkpoint, in percent.
        per_class_iou: IoU of the checkpoint by class, in percent; None if undefined.
        confusion: File that :func:`write_confusion` wrote of the checkpoint.
        pseudo_labels: Manifests of the labels that the run made, by their epoch.
        provenance: Command, versions and device of the last start.
        palette: RGB by class.
        config: Its text.
        validated_by: What the curves of the validation count, epochs or iterations.
    """

    folder: Path
    title: str
    checkpoint: Path
    choice: str
    training: dict[str, Curve] = field(default_factory=dict)
    validation: dict[str, Curve] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    per_class_iou: dict[str, float | None] = field(default_factory=dict)
    confusion: Path | None = None
    pseudo_labels: dict[int, dict[str, Any]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    palette: dict[str, list[int]] = field(default_factory=dict)
    config: str = ''
    validated_by: str = 'epoch'

    @property
    def seconds(self) -> float:
        """What the logged iterations took."""
        steps = [0, *(step for step, _ in self.training.get('time', []))]
        return sum(
            value * (step - before)
            for (step, value), before in zip(self.training.get('time', []), steps)
        )


def read_run(
    folder: Path, cfg: Mapping[str, Any], checkpoint: Path, title: str = ''
) -> Run:
    """Read what a run has logged, and what was measured of a checkpoint of it.

    Args:
        folder: Its work directory.
        cfg: Its config.
        checkpoint: The checkpoint that stands for it.
        title: What to call it; by default as the folder.
    """
    training, validation = _scalars(folder)
    run = Run(folder, title or folder.name, checkpoint, _choice(cfg, checkpoint))
    run.training, run.validation = training, validation
    logger = (cfg.get('default_hooks') or {}).get('logger') or {}
    if not logger.get('log_metric_by_epoch', True):
        run.validated_by = 'iteration'
    measured = _of_checkpoint(folder, checkpoint, 'metrics.json')
    if measured is not None:
        content = json.loads(measured.read_text('utf-8'))
        run.metrics, run.per_class_iou = content['metrics'], content['per_class_iou']
    else:
        last = {name: curve[-1][1] for name, curve in validation.items()}
        for name, value in last.items():
            part, _, class_name = name.partition('IoU.')
            if class_name and not part:
                run.per_class_iou[class_name] = value
            else:
                run.metrics[name] = value
    run.confusion = _of_checkpoint(folder, checkpoint, 'confusion.csv')
    for manifest in folder.glob('*/epoch_*/manifest.json'):
        epoch = manifest.parent.name.removeprefix('epoch_')
        if epoch.isdecimal():
            content = json.loads(manifest.read_text('utf-8'))
            run.pseudo_labels[int(epoch)] = content
    for file in sorted(folder.glob(f'*/{PROVENANCE}')):
        run.provenance = json.loads(file.read_text('utf-8'))
    return run


def _of_checkpoint(folder: Path, checkpoint: Path, what: str) -> Path | None:
    names = [f'{checkpoint.stem}{tta}_{what}' for tta in ('', '_tta')]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _scalars(folder: Path) -> tuple[dict[str, Curve], dict[str, Curve]]:
    """Curves of training and validation; a resumed run replaces what it repeats."""
    parts: tuple[dict[int, dict], dict[int, dict]] = ({}, {})
    for file in sorted(folder.glob('*/vis_data/scalars.json')):
        rows = []
        for line in file.read_text('utf-8').splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                # A kill cuts a line.
                continue
        for part, found in zip(parts, (True, False)):
            own = {row['step']: row for row in rows if ('iter' in row) == found}
            for step in [step for step in part if own and step >= min(own)]:
                del part[step]
            part.update(own)
    curves: list[dict[str, Curve]] = []
    for part in parts:
        curves.append({})
        for step, row in part.items():
            for name, value in row.items():
                # NaN is a figure that is not defined.
                if name not in ('step', 'iter', 'epoch') and value == value:
                    curves[-1].setdefault(name, []).append((step, value))
    return curves[0], curves[1]


def _choice(cfg: Mapping[str, Any], checkpoint: Path) -> str:
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    best = hook.get('save_best')
    if not (best and checkpoint.name.startswith('best_')):
        why = 'save_best of default_hooks.checkpoint chose none'
        return f'{checkpoint.name}: the last one, as {why}.'
    key = checkpoint.name.removeprefix('best_').rpartition('_epoch_')[0]
    key = key.rpartition('_iter_')[0] or key
    looks = 'mIoU' in key and not key.startswith(('source_', 'teacher_student_'))
    labels = 'Labels of the validation images' if looks else 'No label of the target'
    return (
        f'{checkpoint.name}: the best {key} of all validations (save_best). '
        f'{labels} had a say in it.'
    )
