"""One run of an experiment with one seed, in this process."""

from __future__ import annotations

import json
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mmcv
import mmengine
import mmseg
import numpy as np
import torch

import segda_mm
from segda_mm.apis import self_train, test, train
from studies.results_file import append_row, provenance

from .check_predictions import check_predictions, writes_label_maps
from .data_files import hash_of_plan_data, hash_of_training_data
from .definition import Run
from .experiment_error import ExperimentError
from .read_experiment import round_name
from .run_config import run_config
from .run_folder import RunFolder
from .study import Study

#: Parts of a report on an evaluation that become entries of a line.
_FIGURES = ('metrics', 'per_class_iou', 'per_class_pq', 'per_class_ap', 'num_images')


def find_run(study: Study, name: str, seed: int | None) -> tuple[Run, int | None]:
    """The run of a name, and the seed that it is to be carried out with.

    Raises:
        ExperimentError: there is no such run, or the seed is not one of its own.
    """
    run = study.experiment.runs.get(name)
    if run is None:
        raise ExperimentError(f'{study.experiment.path} has no run {name!r}')
    seeds = study.experiment.seeds_of(run)
    if seed not in seeds:
        raise ExperimentError(f'{name} with seed {seed}: its seeds are {seeds}')
    return run, seed


def carry_out(study: Study, run: Run, seed: int | None) -> list[dict]:
    """Do what is missing of a run with a seed, and append its results.

    A training that was cut goes on from its last checkpoint. One whose results
    stand in the file, but whose checkpoint is not here, is trained again without
    further results.

    Args:
        study: Of the experiment.
        run: One of its runs. The run whose checkpoint it needs is finished.
        seed: None for a measurement.

    Returns:
        The lines that were appended.

    Raises:
        ExperimentError: the checkpoint it needs is not there, or what was written
            does not have the figures that were reported.
        PreflightError: data or checkpoints are missing, or another run uses the
            folder.
        TrainingStoppedError: a loss is not finite, or the disk is full.
    """
    begin = time.perf_counter()
    # Of the code that runs, not of what it has become when it is done.
    origin = provenance()
    origin['command'] = _command(study, run, seed)
    missing = study.results().missing(run, seed)
    folder = study.folder(run, seed)
    folder.prepare()
    rows = []
    for result, figures in _CARRY_OUT[run.kind](study, run, seed, folder, missing):
        row = dict(
            experiment=study.experiment.stem,
            run=run.name,
            method=result,
            seed=seed,
            **figures,
            minutes=round((time.perf_counter() - begin) / 60, 2),
            config=_config_file(study, run),
            options=study.experiment.options_of(run),
            config_hash=study.hashes[run.name],
            environment=_environment(),
            **origin,
        )
        append_row(study.results_file, row)
        rows.append(row)
    folder.drop_spare_checkpoints()
    return rows


def _train(
    study: Study, run: Run, seed: int, folder: RunFolder, missing: list[str]
) -> Iterator[tuple[str, dict]]:
    starts = _needed_checkpoints(study, run, seed)
    if folder.last_checkpoint() is None:
        cfg = run_config(study.experiment, run, folder.path, seed, starts)
        resume = 'auto' if folder.is_cut() else None
        folder.begin('last_checkpoint')
        train(cfg, resume=resume)
        folder.finish()
    if missing:
        figures = _evaluate(study, run, seed, folder, folder.last_checkpoint())
        yield (
            run.name,
            dict(
                figures,
                validations=folder.validations(),
                training=folder.end_of_training(),
                train_minutes=round(folder.minutes, 2),
            ),
        )


def _evaluate_again(
    study: Study, run: Run, seed: int, folder: RunFolder, missing: list[str]
) -> Iterator[tuple[str, dict]]:
    checkpoint = _needed_checkpoints(study, run, seed)[run.of]
    yield run.name, _evaluate(study, run, seed, folder, checkpoint)


def _evaluate(
    study: Study, run: Run, seed: int, folder: RunFolder, checkpoint: Path
) -> dict[str, Any]:
    cfg = run_config(study.experiment, run, folder.path, seed)
    data_hash = hash_of_training_data(cfg)
    dataset = cfg.test_dataloader.dataset.copy()
    predictions = folder.path / 'predictions' if writes_label_maps(cfg) else None
    report = test(cfg, checkpoint, tta=run.tta, out=predictions)
    checks = None
    if predictions is not None:
        checks = check_predictions(predictions, dataset, report)
        shutil.rmtree(predictions)
    return dict(
        {key: report[key] for key in _FIGURES if key in report},
        checks=checks,
        selection=study.experiment.selection,
        data_hash=data_hash,
    )


def _self_train(
    study: Study, run: Run, seed: int, folder: RunFolder, missing: list[str]
) -> Iterator[tuple[str, dict]]:
    starts = _needed_checkpoints(study, run, seed)
    cfg = run_config(study.experiment, run, folder.path, seed, starts)
    data_hash = hash_of_plan_data(cfg)
    folder.begin('state.json')
    report = self_train(cfg)
    folder.finish()
    for entry in report['rounds']:
        result = round_name(run.name, entry['round'])
        if result in missing:
            labels = {
                made['set']: dict(labeled=made['labeled'], quality=made['quality'])
                for made in report['labels']
                if made['round'] == entry['round']
            }
            figures = {key: entry[key] for key in _FIGURES if key in entry}
            yield (
                result,
                dict(
                    figures,
                    labels=labels,
                    train_minutes=round(folder.minutes, 2),
                    selection=study.experiment.selection,
                    data_hash=data_hash,
                ),
            )


def _measure(
    study: Study, run: Run, seed: None, folder: RunFolder, missing: list[str]
) -> Iterator[tuple[str, dict]]:
    last = ''
    command = [sys.executable, *run.command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end='', flush=True)
            last = line if line.strip() else last
    program = shlex.join(run.command)
    if process.returncode:
        raise ExperimentError(f'{program} ended with {process.returncode}')
    try:
        metrics = json.loads(last)
    except json.JSONDecodeError:
        metrics = None
    if not isinstance(metrics, dict):
        raise ExperimentError(
            f'the last line that {program} prints must be a JSON object of figures, '
            f'but is {last.strip()!r}'
        )
    yield run.name, dict(metrics=metrics, data_hash=None)


_CARRY_OUT = dict(
    training=_train,
    evaluation=_evaluate_again,
    plan=_self_train,
    measurement=_measure,
)


def _needed_checkpoints(study: Study, run: Run, seed: int | None) -> dict[str, Path]:
    checkpoints = {}
    for name in run.needs:
        needed = study.experiment.runs[name]
        checkpoints[name] = study.checkpoint(needed, seed)
        if checkpoints[name] is None:
            raise ExperimentError(
                f'{run.name} needs the checkpoint of {name} with seed {seed}, and '
                f'{study.folder(needed, seed).path} holds none of a finished run with '
                'the present config. '
                'Start the experiment without --carry-out, which trains it first'
            )
    return checkpoints


def _command(study: Study, run: Run, seed: int | None) -> str:
    words = ['python', 'studies/run.py', str(study.experiment.path)]
    words += ['--only', run.name]
    if seed is not None:
        words += ['--seeds', str(seed)]
    return shlex.join(words)


def _config_file(study: Study, run: Run) -> str | None:
    return study.experiment.runs[run.of].config if run.of else run.config


def _environment() -> Mapping[str, str | int]:
    return dict(
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        mmengine=mmengine.__version__,
        mmcv=mmcv.__version__,
        mmseg=mmseg.__version__,
        segda_mm=segda_mm.__version__,
        threads=torch.get_num_threads(),
    )
