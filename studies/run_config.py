"""The configs of the runs of an experiment, and what identifies them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from segda_mm.apis import PreflightError
from segda_mm.apis.config import merge_options
from segda_mm.apis.self_training_context import PlanContext
from segda_mm.self_training import PlanError

from .definition import Experiment, Run
from .experiment_error import ExperimentError


def run_config(
    experiment: Experiment,
    run: Run,
    work_dir: str | Path,
    seed: int,
    starts: Mapping[str, str | Path] | None = None,
) -> Config:
    """The whole config of a training, an evaluation or a plan.

    Args:
        experiment: That the run is of.
        run: An evaluation has the config of the run that it evaluates.
        work_dir: Where it works.
        seed: Of the run.
        starts: Name of a run that it starts from -> checkpoint. (What an
            evaluation evaluates has all its weights in its own.)

    Raises:
        ExperimentError: the config cannot be read, or an option does not fit;
            naming the run.
    """
    source = experiment.runs[run.of] if run.kind == 'evaluation' else run
    options = dict(experiment.options_of(run))
    options['seed' if run.kind == 'plan' else 'randomness.seed'] = seed
    for start in source.start_from:
        if starts and start.run in starts:
            checkpoint = str(starts[start.run])
            options.update(dict.fromkeys(start.keys, checkpoint))
    try:
        cfg = experiment.config_of(source)
        merge_options(cfg, options)
    except PreflightError as error:
        raise ExperimentError(f'{experiment.path}: runs.{run.name}: {error}') from error
    cfg.work_dir = str(work_dir)
    return cfg


def config_hashes(experiment: Experiment) -> dict[str, str]:
    """What tells the configs of the runs from earlier and later ones.

    Each is the SHA-256 of the whole config, with the hash of the run whose
    checkpoint it starts from or evaluates. Seed and folders do not enter.

    Returns:
        Name of a run -> 64 hexadecimal digits.

    Raises:
        ExperimentError: see :func:`run_config`.
    """
    hashes: dict[str, str] = {}

    def hash_of(name: str) -> str:
        if name not in hashes:
            run = experiment.runs[name]
            needed = {name: hash_of(name) for name in run.needs}
            content = _identity(experiment, run, needed)
            text = json.dumps(_plain(content), sort_keys=True, separators=(',', ':'))
            hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        return hashes[name]

    for name in experiment.runs:
        hash_of(name)
    return hashes


def _identity(experiment: Experiment, run: Run, needed: Mapping[str, str]) -> dict:
    """What a run depends on, in types that JSON knows, and objects."""
    if run.kind == 'measurement':
        return dict(kind=run.kind, command=run.command)
    starts = {name: f'of {its_hash}' for name, its_hash in needed.items()}
    cfg = run_config(experiment, run, work_dir='', seed=0, starts=starts)
    hashes = sorted(needed.values()) or None
    content = dict(kind=run.kind, needs=hashes, config=_without_place(cfg))
    if run.kind == 'evaluation':
        content['tta'] = run.tta
    if run.kind == 'plan':
        content['trainings'] = _trainings(experiment, run, cfg)
    return content


def _trainings(experiment: Experiment, run: Run, cfg: Config) -> list[dict]:
    try:
        context = PlanContext(cfg)
        plan = context.plan
        trainings = [plan.teacher, *(part.student for part in plan.rounds)]
        return [_without_place(context.config(training)) for training in trainings]
    except (PlanError, PreflightError) as error:
        raise ExperimentError(f'{experiment.path}: runs.{run.name}: {error}') from error


def _without_place(cfg: Config) -> dict:
    content = cfg.to_dict()
    for key in ('work_dir', 'seed', 'launcher'):
        content.pop(key, None)
    if isinstance(content.get('randomness'), dict):
        content['randomness'].pop('seed', None)
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return repr(value)
