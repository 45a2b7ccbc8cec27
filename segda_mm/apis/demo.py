"""The main job in small: five methods on the miniature world, compared."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.doctor import MAKE_MINIATURE, usable_cores
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import PreflightError
from segda_mm.files import atomic_file, write_json, write_text
from segda_mm.registry import DATASETS
from segda_mm.visualization import comparison_figure

from .config import children, load_config
from .evaluating import evaluate
from .reporting import report
from .runner import sole_run_in
from .training import find_checkpoint, train


class DemoStage(NamedTuple):
    """A config to train and evaluate, and the stage whose checkpoint it starts from."""

    name: str  # also that of its folder
    title: str
    config: str
    epochs: int
    parent: str | None = None
    checkpoint_keys: tuple[str, ...] = ()  # config keys which take that checkpoint


#: As long as five minutes on two cores allow; a step of MPL costs about five of a
#: supervised training.
STAGES = (
    DemoStage(
        'source-only',
        'source only',
        'supervised_bisenetv1-lite0_minicity-gta5-128x256',
        2,
    ),
    DemoStage(
        'adversarial',
        'adversarial (DSC)',
        'adversarial-dsc_bisenetv1-lite0_minicity-128x256',
        2,
        'source-only',
        ('model.generator.checkpoint',),
    ),
    DemoStage(
        'pseudo-label',
        'DSC + pseudo labels',
        'pseudo-label-dsc_bisenetv1-lite0_minicity-128x256',
        1,
        'adversarial',
        ('model.generator.checkpoint',),
    ),
    DemoStage(
        'mpl',
        'DSC + MPL',
        'mpl-product-dsc_bisenetv1-lite0_minicity-128x256',
        1,
        'adversarial',
        tuple(f'model.{role}_checkpoint.checkpoint' for role in ('teacher', 'student')),
    ),
    DemoStage(
        'oracle',
        'oracle (target labels)',
        'supervised_bisenetv1-lite0_minicity-cityscapes-128x256',
        2,
        'source-only',
        ('load_from',),
    ),
)

#: The world of the configs, and a smaller one in its place.
_WHOLE, _SMALL = 'data/minicity', 'data/minicity-demo'
WORLD = f'{MAKE_MINIATURE} --gta5 144 --train 144 --val 40'.replace(_WHOLE, _SMALL)

#: Figures of the table: key in the metrics -> heading.
FIGURES = dict(mIoU='mIoU', aAcc='aAcc', pixel_precision='precision per pixel')

_PICTURE_ROWS = 4


def run_demo(
    out: Path, epochs: int | None = None, stages: Sequence[DemoStage] = STAGES
) -> dict:
    """Write the miniature world, train and evaluate every stage, compare them.

    A stage that is done is not repeated, an interrupted one goes on from its last
    checkpoint. The data go to ``data/minicity-demo``.

    Args:
        out: Where everything else goes, a folder a stage.
        epochs: Train every stage this long.
        stages: What to run, parents before their children.

    Returns:
        What ``<out>/results.json`` holds.

    Raises:
        PreflightError: A stage cannot start, ``out`` is of a demo with other epochs,
            or another demo is at work there.
        TrainingStoppedError: As :func:`train`.
    """
    with sole_run_in(out):
        command = [sys.executable, '-m', 'segda_cli', *WORLD.split()[1:]]
        subprocess.run(command, check=True)
        rows = [_run_stage(out, stage, epochs) for stage in stages]
        machine = dict(cores=usable_cores(), torch=torch.__version__)
        results = dict(world=WORLD, machine=machine, stages=rows)
        write_json(out / 'results.json', results)
        table = markdown_table(rows)
        write_text(out / 'results.md', table)
        _draw_comparison(out, stages)
        page = report(
            [out / stage.name for stage in stages],
            out / 'report.html',
            titles=[stage.title for stage in stages],
            shown=(stages[0].title, _best(rows)),
        )
    print(
        f'\n{table}\ntable: {out / "results.md"}, picture: {out / "comparison.png"}, '
        f'report: {page}'
    )
    return results


def _best(rows: Sequence[dict]) -> str:
    """The title of the best stage that sees no label of the target."""
    adapted = [row for row in rows if row['name'] != 'oracle']
    return max(adapted, key=lambda row: row['metrics']['mIoU'])['title']


def markdown_table(rows: Sequence[dict]) -> str:
    """Each stage as Markdown; steps are those of its parents as well."""
    judged = [key for key in FIGURES if all(key in row['metrics'] for row in rows)]
    head = ['method', *(FIGURES[key] for key in judged), 'steps', 'training']
    lines = [head, ['---', *['---:'] * (len(head) - 1)]]
    for row in rows:
        figures = [f'{row["metrics"][key]:.2f}' for key in judged]
        seconds = row['train_seconds']
        spent = 'resumed' if seconds is None else f'{seconds / 60:.1f} min'
        lines.append([row['title'], *figures, str(row['steps']), spent])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ''.join(
        '| ' + ' | '.join(map(str.ljust, line, widths)) + ' |\n' for line in lines
    )


def _in_small_world(cfg: Config) -> dict[str, str]:
    """Options that let a config read the demo's world."""
    options = {}

    def visit(node: object, key: str) -> None:
        if isinstance(node, str) and node.startswith(f'{_WHOLE}/'):
            options[key] = node.replace(_WHOLE, _SMALL, 1)
        for name, child in children(node):
            visit(child, f'{key}.{name}')

    for part in ('train', 'val', 'test'):
        visit(cfg.get(f'{part}_dataloader'), f'{part}_dataloader')
    visit(cfg.get('custom_hooks'), 'custom_hooks')
    return options


def _run_stage(out: Path, stage: DemoStage, epochs: int | None) -> dict:
    cfg = load_config(stage.config)
    world = _in_small_world(cfg)
    options: dict[str, object] = {'default_hooks.logger.interval': 5, **world}
    options['train_cfg.max_epochs'] = epochs or stage.epochs
    if stage.parent is not None:
        checkpoint = str(find_checkpoint(out / stage.parent))
        options.update(dict.fromkeys(stage.checkpoint_keys, checkpoint))
    folder = out / stage.name
    result = folder / 'result.json'
    if result.exists():
        row = json.loads(result.read_text())
        if row['options'] != options:
            raise PreflightError(
                f'{folder} is of another demo, or of other epochs; choose another --out'
            )
        return row
    resumed = find_resumable_checkpoint(str(folder)) is not None
    started = time.monotonic()
    cfg = load_config(stage.config, options, folder)
    steps = train(cfg, 'auto' if resumed else None).iter
    if stage.parent is not None:
        steps += json.loads((out / stage.parent / 'result.json').read_text())['steps']
    seconds = None if resumed else round(time.monotonic() - started, 1)
    cfg = load_config(stage.config, world, folder)
    evaluated = evaluate(
        cfg, find_checkpoint(folder), out=folder / 'predictions', confusion=True
    )
    row = dict(name=stage.name, title=stage.title, options=options, steps=steps)
    row.update(evaluated, train_seconds=seconds)
    write_json(result, row)
    return row


def _draw_comparison(out: Path, stages: Sequence[DemoStage]) -> None:
    cfg = load_config(stages[0].config)
    cfg = load_config(stages[0].config, _in_small_world(cfg))
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))
    places = np.linspace(0, len(dataset) - 1, _PICTURE_ROWS).round().astype(int)
    samples = [dataset[row]['data_samples'] for row in np.unique(places).tolist()]
    paths = [Path(sample.img_path) for sample in samples]
    predictions = {
        stage.title: [
            np.asarray(
                Image.open(out / stage.name / 'predictions' / f'{path.stem}.png')
            )
            for path in paths
        ]
        for stage in stages
    }
    figure = comparison_figure(
        [np.asarray(Image.open(path).convert('RGB')) for path in paths],
        [sample.gt_sem_seg.data[0].numpy() for sample in samples],
        predictions,
        dataset.metainfo['classes'],
        dataset.metainfo['palette'],
    )
    with atomic_file(out / 'comparison.png') as unfinished:
        figure.savefig(unfinished, dpi=150, format='png')
