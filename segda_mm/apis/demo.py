"""The main job in small: five methods on the miniature world, compared."""

from __future__ import annotations

import contextlib
import copy
import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import DemoError
from segda_mm.files import atomic_file
from segda_mm.registry import DATASETS
from segda_mm.visualization import comparison_figure

from .checks import MAKE_MINIATURE
from .config import load_config
from .demo_stage import DemoStage
from .logged_command import run_logged
from .shorten import shorten
from .write_atomically import write_json, write_text

# As long as the demo's time allows; a step of MPL costs about five of a
# supervised training.
STAGES = (
    DemoStage(
        'source-only',
        'source only',
        'configs/supervised/supervised_bisenetv1-r18_1xb4_minicity-gta5-128x256.py',
        epochs=3,
    ),
    DemoStage(
        'adversarial',
        'adversarial (DSC)',
        'configs/adversarial/adversarial-dsc_bisenetv1-r18_1xb4_minicity-128x256.py',
        epochs=3,
    ),
    DemoStage(
        'pseudo-label',
        'DSC + pseudo labels',
        'configs/pseudo_label/pseudo-label-dsc_bisenetv1-r18_1xb4_minicity-128x256.py',
        epochs=2,
        parent='adversarial',
        checkpoint_keys=('model.generator.checkpoint',),
    ),
    DemoStage(
        'mpl',
        'DSC + MPL',
        'configs/mpl/mpl-product-dsc_bisenetv1-r18_1xb4_minicity-128x256.py',
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
        'configs/supervised/supervised_bisenetv1-r18_1xb4_minicity-cityscapes-128x256.py',
        epochs=3,
    ),
)

#: Figures of the table: key in the metrics, heading.
FIGURES = (
    ('mIoU', 'mIoU'),
    ('aAcc', 'aAcc'),
    ('pixel_precision', 'precision per pixel'),
)

#: Rows of the picture.
PICTURE_ROWS = 4


def run_demo(
    out: Path,
    epochs: int | None = None,
    stages: Sequence[DemoStage] = STAGES,
    say: Callable[[str], None] = print,
) -> dict:
    """Write the miniature world, train and evaluate every stage, compare them.

    Each stage is a run of ``tools/train.py`` and one of ``tools/test.py`` in a
    process of its own, with its folder under ``out``. A stage that is done
    with the same settings is not repeated, an interrupted one goes on from its
    last checkpoint.

    The working directory must be the repository: ``configs``, ``tools`` and
    ``data/minicity``, where the data go, are relative to it.

    Args:
        out: where everything else goes.
        epochs: train every stage this long.
        stages: what to run, parents before their children.
        say: takes the lines for the user.

    Returns:
        What ``<out>/results.json`` holds.

    Raises:
        DemoError: a step failed, or another demo is at work in ``out``.
    """
    with _sole_user_of(out):
        world = _make_world(out, say)
        digests: dict[str, str] = {}
        rows = []
        for index, stage in enumerate(stages, start=1):
            label = f'[{index}/{len(stages)}] {stage.title}'
            options = _options(out, stage, epochs)
            digest = _digest(stage.config, options, world, digests.get(stage.parent))
            digests[stage.name] = digest
            rows.append(_run_stage(out, stage, options, digest, label, say))
        results = dict(
            world=world,
            machine=dict(
                processor=platform.machine(),
                cores=_cores(),
                python=platform.python_version(),
                torch=torch.__version__,
            ),
            stages=rows,
        )
        write_json(out / 'results.json', results)
        table = markdown_table(rows)
        write_text(out / 'results.md', table)
        _draw_comparison(out, stages)
    say(f'\n{table}\ntable:   {out / "results.md"}\npicture: {out / "comparison.png"}')
    return results


def markdown_table(rows: Sequence[dict]) -> str:
    """One line per stage; percent on the target validation images."""
    head = ['method', *(heading for _, heading in FIGURES), 'training']
    lines = [head, ['---', *['---:'] * (len(head) - 1)]]
    for row in rows:
        figures = [f'{row["metrics"][key]:.2f}' for key, _ in FIGURES]
        seconds = row['train_seconds']
        spent = 'resumed' if seconds is None else f'{seconds / 60:.1f} min'
        lines.append([row['title'], *figures, spent])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ''.join(
        '| ' + ' | '.join(map(str.ljust, line, widths)) + ' |\n' for line in lines
    )


def _options(out: Path, stage: DemoStage, epochs: int | None) -> dict[str, object]:
    cfg = load_config(stage.config)
    options: dict[str, object] = {'default_hooks.logger.interval': 5}
    options.update(shorten(cfg, epochs or stage.epochs))
    if stage.parent is not None:
        checkpoint = find_resumable_checkpoint(str(out / stage.parent))
        options.update(dict.fromkeys(stage.checkpoint_keys, checkpoint))
    return options


def _digest(config: str, options: dict, world: str, parent: str | None) -> str:
    """Tell whether a stage is to be done again: all that its result hangs on."""
    settings = [load_config(config, options).to_dict(), world, parent, _code()]
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _code() -> str:
    """Tell one state of the package from another."""
    package = Path(__file__).parents[1]
    files = sorted(package.rglob('*.py'))
    return hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()


def _run_stage(
    out: Path,
    stage: DemoStage,
    options: dict,
    digest: str,
    label: str,
    say: Callable[[str], None],
) -> dict:
    folder = out / stage.name
    result = folder / 'result.json'
    mark = folder / 'settings.json'
    if _read(mark).get('digest') != digest:
        if folder.exists() and not mark.exists():
            raise DemoError(
                f'{folder} was not made by the demo; move it away or choose '
                'another --out'
            )
        _discard(folder)
        write_json(mark, dict(digest=digest, options=options))
    if result.exists():
        say(f'{label}: done before, mIoU {_read(result)["metrics"]["mIoU"]:.2f}')
        return _read(result)

    resumed = find_resumable_checkpoint(str(folder)) is not None
    started = time.monotonic()
    pairs = [f'{key}={value}' for key, value in options.items()]
    _run(
        [
            'tools/train.py',
            stage.config,
            '--work-dir',
            str(folder),
            *(['--resume'] if resumed else []),
            '--cfg-options',
            *pairs,
        ],
        folder / 'train.log',
        label,
        say,
    )
    seconds = time.monotonic() - started
    checkpoint = find_resumable_checkpoint(str(folder))
    if checkpoint is None:
        raise DemoError(f'{stage.config} left no checkpoint in {folder}')
    _run(
        [
            'tools/test.py',
            stage.config,
            checkpoint,
            '--work-dir',
            str(folder),
            '--out',
            str(folder / 'predictions'),
        ],
        folder / 'test.log',
        f'{label}, evaluation',
        say,
    )
    row = dict(
        name=stage.name,
        title=stage.title,
        options=options,
        train_seconds=None if resumed else round(seconds, 1),
        **_read(folder / f'{Path(checkpoint).stem}_metrics.json'),
    )
    write_json(result, row)
    say(f'{label}: mIoU {row["metrics"]["mIoU"]:.2f} after {seconds / 60:.1f} min')
    return row


def _discard(folder: Path) -> None:
    # Renamed first: killed halfway, what is left has no place in a new run.
    discarded = folder.with_name(f'.{folder.name}.discarded')
    shutil.rmtree(discarded, ignore_errors=True)
    if folder.exists():
        folder.rename(discarded)
        shutil.rmtree(discarded)


def _run(
    arguments: Sequence[str],
    log: Path,
    label: str,
    say: Callable[[str], None],
) -> None:
    say(f'{label}\n    $ python {" ".join(map(_readable, arguments))}')
    env = dict(os.environ, OMP_NUM_THREADS=str(_cores()))
    with _progress(label, say) as report:
        run_logged([sys.executable, *arguments], log, env, report)


def _readable(argument: str) -> str:
    with contextlib.suppress(ValueError):
        return str(Path(argument).relative_to(Path.cwd()))
    return argument


@contextlib.contextmanager
def _progress(
    label: str, say: Callable[[str], None], seconds: float = 20.0
) -> Iterator[Callable[[str], None]]:
    """On a terminal one line that changes, else a line every few seconds."""
    terminal = say is print and sys.stdout.isatty()
    last = time.monotonic()

    def report(step: str) -> None:
        nonlocal last
        if terminal:
            print(f'\r\033[K    {step}', end='', flush=True)
        elif time.monotonic() - last > seconds:
            last = time.monotonic()
            say(f'    {label}: {step}')

    try:
        yield report
    finally:
        if terminal:
            print('\r\033[K', end='', flush=True)


def _make_world(out: Path, say: Callable[[str], None]) -> str:
    command = MAKE_MINIATURE.split()[1:]
    _run(command, out / 'world.log', 'miniature world', say)
    return MAKE_MINIATURE


def _draw_comparison(out: Path, stages: Sequence[DemoStage]) -> None:
    cfg = load_config(stages[0].config)
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))
    rows = np.linspace(0, len(dataset) - 1, PICTURE_ROWS).round().astype(int)
    rows = np.unique(rows)
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


@contextlib.contextmanager
def _sole_user_of(out: Path) -> Iterator[None]:
    out.mkdir(parents=True, exist_ok=True)
    with open(out / '.lock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f'another demo is at work in {out}; wait for it, or choose '
                'another --out'
            ) from None
        # Trainings inherit the lock: one that outlives a killed demo keeps it.
        os.set_inheritable(lock.fileno(), True)
        yield


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _read(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}
