"""Stored results: one JSON line a result, with where it came from."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

import segda_mm
from segda_mm.files import append_line

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / 'studies' / 'results'

#: What results go into, as paths that git leaves out of a comparison.
_RESULTS = (':(top,exclude)studies/results', ':(top,exclude)docs/results')
_LIBRARIES = ('numpy', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation')


def provenance(command: list[str] | None = None) -> dict:
    """Where a result comes from; to be asked before the run it belongs to.

    ``command`` is that of this process where none is given. ``commit`` ends with
    ``-dirty`` where tracked files differ from it, other than results and their pages.
    """
    if command is None:
        program = Path(sys.argv[0]).resolve()
        if program.is_relative_to(ROOT):
            program = program.relative_to(ROOT)
        command = [str(program), *sys.argv[1:]]
    return dict(
        command=shlex.join(['python', *command]),
        commit=_commit(),
        date=date.today().isoformat(),
        machine=_machine(),
        versions=dict(
            python=platform.python_version(),
            segda_mm=segda_mm.__version__,
            torch=torch.__version__,
            **{name.removeprefix('onedl-'): version(name) for name in _LIBRARIES},
        ),
        threads=torch.get_num_threads(),
        load_average=round(os.getloadavg()[0], 2),
    )


def append_row(file: str | Path, row: dict) -> None:
    """Append a result as one line; several processes may share the file."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    append_line(file, json.dumps(row, allow_nan=False))


def read_rows(file: str | Path) -> list[dict]:
    """The results of a file; none where it does not exist."""
    file = Path(file)
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()]


def _machine() -> str:
    processor = platform.machine()
    information = Path('/proc/cpuinfo')
    if information.exists():
        found = re.search(r'model name\s*: (.*)', information.read_text())
        processor = found[1].strip() if found else processor
    machine = f'{os.cpu_count()} CPU cores ({processor})'
    if torch.cuda.is_available():
        machine += f', {torch.cuda.get_device_name()}'
    return machine


def _commit() -> str:
    try:
        described = _git('describe', '--always')
        compared = _git('diff', '--quiet', 'HEAD', '--', ':/', *_RESULTS)
    except OSError:
        return 'unknown: git is not installed'
    if described.returncode:
        return 'unknown: not a git checkout'
    return described.stdout.strip() + ('-dirty' if compared.returncode else '')


def _git(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(['git', *words], capture_output=True, text=True, cwd=ROOT)
