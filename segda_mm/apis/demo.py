"""The main job in small: five methods on the miniature world, compared."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.doctor import MAKE_MINIATURE, usable_cores
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import DemoError, FolderInUseError
from segda_mm.files import RunFolderLock, atomic_file, write_json, write_text
from segda_mm.registry import DATASETS
from segda_mm.visualization import comparison_figure

from .config import children, load_config


class DemoStage(NamedTuple):
    """A config to train and evaluate, and what it starts from."""

    name: str  # folder under the demo's output and key of the results
    title: str
    config: str  # relative to the repository
    epochs: int
    parent: str | None = None  # name of the stage whose checkpoint it starts from
    checkpoint_keys: tuple[str, ...] = ()  # config keys which take that checkpoint


#: As long as the demo's time allows; a step of MPL costs about five of a
#: supervised training.
STAGES = (
    DemoStage(
        'source-only',
        'source only',
        'configs/supervised/supervised_bisenetv1-lite0_minicity-gta5-128x256.py',
        epochs=3,
    ),
    DemoStage(
        'adversarial',
        'adversarial (DSC)',
        'configs/adversarial/adversarial-dsc_bisenetv1-lite0_minicity-128x256.py',
        epochs=3,
    ),
    DemoStage(
        'pseudo-label',
        'DSC + pseudo labels',
        'configs/pseudo_label/pseudo-label-dsc_bisenetv1-lite0_minicity-128x256.py',
        epochs=2,
        parent='adversarial',
        checkpoint_keys=('model.generator.checkpoint',),
    ),
    DemoStage(
        'mpl',
        'DSC + MPL',
        'configs/mpl/mpl-product-dsc_bisenetv1-lite0_minicity-128x256.py',
        epochs=2,
        parent='adversarial',
        checkpoint_keys=(
            'model.teacher_checkpoint.checkpoint',
            'model.student_checkpoint.checkpoint',
        ),
    ),
    DemoStage(
        'oracle',
        'oracle (target labels)',
        'configs/supervised/supervised_bisenetv1-lite0_minicity-cityscapes-128x256.py',
        epochs=3,
    ),
)

#: Figures of the table: key in the metrics -> heading.
FIGURES = dict(mIoU='mIoU', aAcc='aAcc', pixel_precision='precision per pixel')

_PICTURE_ROWS, _LINES_OF_A_FAILURE = 4, 15


def run_demo(
    out: Path,
    epochs: int | None = None,
    stages: Sequence[DemoStage] = STAGES,
    say: Callable[[str], None] = print,
) -> dict:
    """Write the miniature world, train and evaluate every stage, compare them.

    Each stage is a run of ``tools/train.py`` and one of ``tools/test.py`` with its
    folder under ``out``. A stage that is done is not repeated, an interrupted one
    goes on from its last checkpoint. The working directory must be the repository;
    the data go to ``data/minicity`` there.

    Args:
        out: Where everything else goes.
        epochs: Train every stage this long.
        stages: What to run, parents before their children.
        say: Takes the lines for the user.

    Returns:
        What ``<out>/results.json`` holds.

    Raises:
        DemoError: A step failed, ``out`` is of a demo with other epochs, or another
            demo is at work there.
    """
    lock = RunFolderLock(out)
    try:
        lock.acquire()
    except FolderInUseError as error:
        raise DemoError(f'another demo is at work: {error}') from error
    try:
        _run(MAKE_MINIATURE.split()[1:], out / 'world.log', 'miniature world', say)
        rows = []
        for index, stage in enumerate(stages, start=1):
            label = f'[{index}/{len(stages)}] {stage.title}'
            rows.append(_run_stage(out, stage, epochs, label, say))
        machine = dict(cores=usable_cores(), torch=torch.__version__)
        results = dict(world=MAKE_MINIATURE, machine=machine, stages=rows)
        write_json(out / 'results.json', results)
        table = markdown_table(rows)
        write_text(out / 'results.md', table)
        _draw_comparison(out, stages)
    finally:
        lock.release()
    say(f'\n{table}\ntable:   {out / "results.md"}\npicture: {out / "comparison.png"}')
    return results


def markdown_table(rows: Sequence[dict]) -> str:
    """The results as Markdown, a line a stage.

    Args:
        rows: Of each stage its ``title``, ``metrics`` (in percent) and
            ``train_seconds``.
    """
    head = ['method', *FIGURES.values(), 'training']
    lines = [head, ['---', *['---:'] * (len(head) - 1)]]
    for row in rows:
        figures = [f'{row["metrics"][key]:.2f}' for key in FIGURES]
        seconds = row['train_seconds']
        spent = 'resumed' if seconds is None else f'{seconds / 60:.1f} min'
        lines.append([row['title'], *figures, spent])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ''.join(
        '| ' + ' | '.join(map(str.ljust, line, widths)) + ' |\n' for line in lines
    )


def shorten(cfg: Config, epochs: int) -> dict[str, float]:
    """Options which end a training, and what is scheduled in it, earlier.

    Returns:
        Dotted config keys and their new values: the last epoch, the end of every
        learning-rate schedule that lasts as long as the training, and the ramp of
        a loss-product feedback in proportion.
    """
    whole = cfg.train_cfg.max_epochs
    options: dict[str, float] = {'train_cfg.max_epochs': epochs}
    for key, scheduler in _schedulers(cfg.get('param_scheduler'), 'param_scheduler'):
        # Some end one epoch later, so that the last epoch still learns.
        beyond = scheduler.get('end', 0) - whole
        if beyond >= 0:
            options[f'{key}.end'] = epochs + beyond
    rule = cfg.model.get('feedback_rule', {})
    for name in ('growth_epochs', 'full_after_epoch'):
        if name in rule:
            options[f'model.feedback_rule.{name}'] = rule[name] * epochs / whole
    return options


def _schedulers(node: object, key: str) -> Iterator[tuple[str, dict]]:
    if isinstance(node, dict) and 'type' in node:
        yield key, node
        return
    for name, child in children(node):
        yield from _schedulers(child, f'{key}.{name}')


def _run_stage(
    out: Path,
    stage: DemoStage,
    epochs: int | None,
    label: str,
    say: Callable[[str], None],
) -> dict:
    options: dict[str, object] = {'default_hooks.logger.interval': 5}
    options.update(shorten(load_config(stage.config), epochs or stage.epochs))
    if stage.parent is not None:
        checkpoint = find_resumable_checkpoint(str(out / stage.parent))
        options.update(dict.fromkeys(stage.checkpoint_keys, checkpoint))
    folder = out / stage.name
    result = folder / 'result.json'
    if result.exists():
        row = json.loads(result.read_text())
        if row['options'] != options:
            raise DemoError(
                f'{folder} is of another demo, or of other epochs; delete {out}, or '
                'choose another --out'
            )
        say(f'{label}: done before, mIoU {row["metrics"]["mIoU"]:.2f}')
        return row
    resumed = find_resumable_checkpoint(str(folder)) is not None
    started = time.monotonic()
    train = ['tools/train.py', stage.config, '--work-dir', str(folder)]
    train += ['--resume'] if resumed else []
    train += ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]
    _run(train, folder / 'train.log', label, say)
    seconds = time.monotonic() - started
    checkpoint = find_resumable_checkpoint(str(folder))
    if checkpoint is None:
        raise DemoError(f'{stage.config} left no checkpoint in {folder}')
    test = ['tools/test.py', stage.config, checkpoint, '--work-dir', str(folder)]
    test += ['--out', str(folder / 'predictions')]
    _run(test, folder / 'test.log', f'{label}, evaluation', say)
    row = dict(
        name=stage.name,
        title=stage.title,
        options=options,
        train_seconds=None if resumed else round(seconds, 1),
        **json.loads((folder / f'{Path(checkpoint).stem}_metrics.json').read_text()),
    )
    write_json(result, row)
    say(f'{label}: mIoU {row["metrics"]["mIoU"]:.2f} after {seconds / 60:.1f} min')
    return row


def _run(
    arguments: Sequence[str], log: Path, label: str, say: Callable[[str], None]
) -> None:
    """Run a Python program to its end, its output in ``log``."""
    say(f'{label}: {log}\n    $ python {" ".join(arguments)}')
    log.parent.mkdir(parents=True, exist_ok=True)
    # A data loader with workers would set the number of threads to 1.
    environment = dict(os.environ, OMP_NUM_THREADS=str(usable_cores()))
    with open(log, 'w', encoding='utf-8') as stream:
        done = subprocess.run(
            [sys.executable, *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    if done.returncode:
        lines = log.read_text('utf-8', errors='replace').splitlines()
        raise DemoError(
            f'{" ".join(arguments)}\nended with status {done.returncode}. '
            f'The end of {log}:\n' + '\n'.join(lines[-_LINES_OF_A_FAILURE:])
        )


def _draw_comparison(out: Path, stages: Sequence[DemoStage]) -> None:
    cfg = load_config(stages[0].config)
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))
    rows = np.unique(
        np.linspace(0, len(dataset) - 1, _PICTURE_ROWS).round().astype(int)
    )
    paths = [Path(dataset.get_data_info(int(row))['img_path']) for row in rows]
    images = [np.asarray(Image.open(path).convert('RGB')) for path in paths]
    truths = [
        dataset[int(row)]['data_samples'].gt_sem_seg.data[0].numpy() for row in rows
    ]
    predictions = {}
    for stage in stages:
        folder = out / stage.name / 'predictions'
        predictions[stage.title] = [
            np.asarray(Image.open(folder / f'{path.stem}.png')) for path in paths
        ]
    meta = dataset.metainfo
    figure = comparison_figure(
        images, truths, predictions, meta['classes'], meta['palette']
    )
    with atomic_file(out / 'comparison.png') as unfinished:
        figure.savefig(unfinished, dpi=150, format='png')
