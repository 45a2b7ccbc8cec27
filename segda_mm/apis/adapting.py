"""From labelled images and footage to an adapted network, step by step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import PlanError, PreflightError
from segda_mm.files import write_json, write_text
from segda_mm.self_training.plan import Plan
from segda_mm.self_training.state import StateFile, flat_settings

from .checks.preflight import require_data
from .config import load_config
from .config_files import read_config
from .demo import markdown_table
from .evaluating import evaluate
from .exporting import export_weights
from .own.data import is_own, is_setting
from .reporting import try_report
from .runner import sole_run_in
from .self_training import self_train
from .training import find_checkpoint, train

#: What of a config decides how a step ends.
_SETTINGS = (
    *('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'),
    *('custom_hooks', 'randomness', 'test_dataloader'),
    *('teacher', 'rounds', 'labeling', 'unlabeled'),
)

#: Entries of a data loader that change the speed only.
_SPEED = ('num_workers', 'persistent_workers')


def adapt(
    config: str | Path,
    cfg_options: Mapping[str, Any] | None = None,
    work_dir: str | Path | None = None,
    amp: bool = False,
) -> dict[str, Any]:
    """Train on the source, then by the recipe that a file about own data names.

    Recipes go on from one another, as Meta Pseudo Labels from an adversarial training;
    each step starts from the network of the one before. A step that is done is not
    repeated, an interrupted one goes on. Without a source, there is one step, from the
    network that ``init`` names.

    Args:
        config: The file, see ``docs/own_data.md``.
        cfg_options: Overrides, for all steps that have such an entry.
        work_dir: Of all, with a folder a step; by default ``work_dirs/<its name>``.
        amp: Mixed precision.

    Returns:
        What ``<work_dir>/results.json`` holds: ``judged_on`` (``'val'``, ``'source'``,
        or None where nothing is labelled), ``network`` (the folder of the last run),
        and ``steps`` with ``name``, ``checkpoint``, ``metrics``, ``per_class_iou`` and
        ``train_seconds``.

    Raises:
        PreflightError: The file is not about own data or is wrong, a step cannot start
            or was begun with other settings, or the folder is in use.
        TrainingStoppedError: As :func:`train`.
    """
    named = read_config(config)
    if not is_own(named):
        raise PreflightError(
            f'{config} names none of the recipes for own data as its _base_; '
            '`segda init` writes such a file'
        )
    options = dict(cfg_options or {})
    judged_on: str | None = 'source'
    steps = steps_to(named.recipe.name)
    if options.get('source', named.get('source')) is None:
        judged_on, steps = None, steps[-1:]
    if options.get('val', named.get('val')) is not None:
        judged_on = 'val'
    folder = Path(
        work_dir
        or named.get('work_dir')
        or Path('work_dirs', Path(named.filename).stem)
    )
    # What is wrong with a later step is told before the first one.
    for number, recipe in enumerate(steps):
        start = {'init': dict(checkpoint='of the step before')} if number else {}
        cfg = _step_config(config, options | start, folder / recipe, recipe)
        require_data(cfg, ('train_dataloader', 'val_dataloader'))
    rows: list[dict[str, Any]] = []
    with sole_run_in(folder):
        state = StateFile(folder / 'state.json')
        for number, recipe in enumerate(steps, 1):
            if not state.is_finished(recipe):
                told = f'Step {number} of {len(steps)}: {recipe}'
                print_log(told, logger='current')
            rows.append(
                _run_step(
                    config,
                    options,
                    folder,
                    recipe,
                    rows[-1:],
                    state,
                    amp,
                    judged=judged_on is not None,
                )
            )
        runs = [Path(row['checkpoint']).parent for row in rows]
        results = dict(judged_on=judged_on, network=str(runs[-1]), steps=rows)
        write_json(folder / 'results.json', results)
        write_text(folder / 'results.md', table_of(results))
        try_report(runs, folder / 'report.html', titles=steps)
    return results


def steps_to(recipe: str) -> list[str]:
    """The recipes up to one, each of which the next goes on from."""
    steps = [recipe]
    while after := read_config(f'segda_mm::own/{steps[0]}.py').recipe.get('after'):
        steps.insert(0, after)
    return steps


def table_of(results: Mapping[str, Any]) -> str:
    """The results of :func:`adapt` as Markdown."""
    look = (
        'look at predictions on the target, or label some of its frames and name them '
        'as `val`.'
    )
    judged = {
        'val': 'Judged on the labelled images of the target (`val`).',
        'source': 'Judged on the source itself, for no image of the target is '
        f'labelled. This shows what a step forgot, not how well it adapted: {look}',
        None: f'No image is labelled, so that nothing was judged: {look}',
    }[results['judged_on']]
    rows = [
        dict(row, title=row['name'], steps=row['steps'] or 'several')
        for row in results['steps']
    ]
    return f'{markdown_table(rows)}\n{judged}\n'


def _run_step(
    config: str | Path,
    options: Mapping[str, Any],
    work_dir: Path,
    recipe: str,
    before: list[dict],
    state: StateFile,
    amp: bool,
    judged: bool,
) -> dict[str, Any]:
    folder = work_dir / recipe
    for row in before:
        start = dict(checkpoint=row['checkpoint'], _delete_=True)
        if recipe == 'mpl' and row['has_discriminator']:
            start['discriminator_prefix'] = 'discriminator.'
        options = {**options, 'init': start}
    cfg = _step_config(config, options, folder, recipe)
    is_plan = 'rounds' in cfg
    iterations = None
    if is_plan:
        cfg.teacher.checkpoint = (
            before[0]['checkpoint']
            if before
            else _plain(cfg.teacher.checkpoint, folder)
        )
    settings = flat_settings(_settings(cfg), str(work_dir))
    try:
        state.check(recipe, settings)
    except PlanError as error:
        raise PreflightError(
            str(error).partition(' Restore it')[0] + ' Restore it, or take another '
            '--work-dir'
        ) from error
    if state.is_finished(recipe):
        return state.stages[recipe]['result']
    state.begin(recipe, settings)
    started = time.monotonic()
    resumed = find_resumable_checkpoint(str(folder)) is not None
    if is_plan:
        resumed = folder.is_dir()
        last = self_train(cfg)['rounds'][-1]
        checkpoint = folder / last['checkpoint']
        evaluated = {k: last[k] for k in ('metrics', 'per_class_iou')}
    else:
        iterations = train(cfg, 'auto' if resumed else None, amp).iter
        checkpoint = find_checkpoint(folder)
        cfg = _step_config(config, options, folder, recipe)
        evaluated = dict(metrics={}, per_class_iou={})
        if judged:
            evaluated = evaluate(cfg, checkpoint)
    seconds = None if resumed else round(time.monotonic() - started, 1)
    row = dict(
        name=recipe,
        checkpoint=str(checkpoint),
        has_discriminator='discriminator' in cfg.get('model', ()),
        metrics=evaluated['metrics'],
        per_class_iou=evaluated['per_class_iou'],
        train_seconds=seconds,
        # With those that it goes on from; of a plan they are of several trainings.
        steps=iterations and iterations + sum(row['steps'] for row in before),
    )
    state.finish(recipe, row)
    return row


def _plain(checkpoint: str, work_dir: Path) -> str:
    """The network of any checkpoint, or another program's, as a plan takes it."""
    plain = work_dir.with_name(f'{work_dir.name}_start.pth')
    if not plain.exists():
        export_weights(checkpoint, plain, foreign=True)
    return str(plain)


def _step_config(
    config: str | Path, options: Mapping[str, Any], work_dir: Path, recipe: str
) -> Config:
    if 'rounds' in read_config(f'segda_mm::own/{recipe}.py'):
        # A plan has no entries of a training.
        of_plan = {part.name for part in fields(Plan)}
        options = {
            key: value
            for key, value in options.items()
            if is_setting(key) or key.partition('.')[0] in of_plan
        }
    return load_config(config, options, work_dir, recipe)


def _settings(cfg: Config) -> dict[str, Any]:
    chosen = {key: cfg[key] for key in _SETTINGS if cfg.get(key) is not None}
    for key, entry in chosen.items():
        if key.endswith('_dataloader'):
            chosen[key] = {k: v for k, v in entry.items() if k not in _SPEED}
    return chosen
