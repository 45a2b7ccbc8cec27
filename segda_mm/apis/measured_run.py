"""One training and its evaluations, as processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def train_and_test(
    config: str,
    folder: Path,
    options: Sequence[str] = (),
    test_flags: Sequence[Sequence[str]] = ((),),
) -> list[dict]:
    """Train a config, go on where an earlier run was cut, and evaluate the end.

    To be called from the root of the project. What the runs print goes to
    ``train.txt`` and ``test.txt`` in the folder.

    Args:
        config: path of the config.
        folder: work directory of the run.
        options: ``cfg-options`` of the training, as ``'randomness.seed=1'``.
        test_flags: further arguments of ``tools/test.py``, one evaluation for
            each, as ``((), ('--tta',))``.

    Returns:
        One report an evaluation, as :func:`segda_mm.apis.test` returns them,
        each with ``train_minutes``: wall-clock minutes that the training took
        in this call, start and validations included.

    Raises:
        subprocess.CalledProcessError: a run failed.
    """
    train = ['tools/train.py', config, '--work-dir', str(folder)]
    if (folder / 'last_checkpoint').exists():
        train.append('--resume')
    if options:
        train += ['--cfg-options', *options]
    begin = time.perf_counter()
    _call(train, folder / 'train.txt')
    minutes = (time.perf_counter() - begin) / 60
    checkpoint = last_checkpoint(folder)
    reports = []
    for flags in test_flags:
        test = ['tools/test.py', config, checkpoint, '--work-dir', str(folder), *flags]
        _call(test, folder / 'test.txt')
        name = Path(checkpoint).stem + ('_tta' if '--tta' in flags else '')
        report = json.loads((folder / f'{name}_metrics.json').read_text())
        reports.append(dict(report, train_minutes=round(minutes, 1)))
    return reports


def last_checkpoint(folder: Path) -> str:
    """The checkpoint that a run's pointer names, wherever the folder lies."""
    return str(folder / Path((folder / 'last_checkpoint').read_text().strip()).name)


def _call(arguments: Sequence[str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('a') as stream:
        subprocess.run(
            [sys.executable, *arguments], check=True, stdout=stream, stderr=stream
        )
