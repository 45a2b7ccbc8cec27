"""What a run leaves behind, and whether two runs left the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from segda_mm.engine.runner import find_resumable_checkpoint


def results_of_run(work_dir: str | Path) -> dict[str, Any]:
    """Everything in the folder of a run that is to be the same when it is repeated.

    That is the last checkpoint of every training in it, all label images and
    pictures, their manifests, and the state and the report of a self-training,
    without times, by the path below ``work_dir``.
    """
    results: dict[Path, Any] = {}
    for file in Path(work_dir).rglob('*'):
        if file.name == 'last_checkpoint':
            checkpoint = Path(find_resumable_checkpoint(str(file.parent)))
            results[checkpoint] = trained_state(checkpoint)
        elif file.suffix == '.png':
            results[file] = file.read_bytes()
        elif file.name in ('manifest.json', 'state.json', 'report.json'):
            results[file] = json.loads(file.read_text(encoding='utf-8'))
            # The digest of a checkpoint, which holds times.
            results[file].pop('labels_of', None)
    return {str(file.relative_to(work_dir)): part for file, part in results.items()}


def trained_state(checkpoint: str | Path) -> dict[str, Any]:
    """What of a checkpoint a repeated run must have in it too: no times."""
    content = torch.load(checkpoint, map_location='cpu', weights_only=True)
    return dict(
        weights=content['state_dict'],
        optimizers=content['optimizer'],
        schedulers=content['param_schedulers'],
        epoch=content['meta']['epoch'],
        iter=content['meta']['iter'],
        logs={
            name: history
            for name, history in content['message_hub']['log_scalars'].items()
            if not name.endswith('time')
        },
    )


def find_difference(one: Any, other: Any, where: str = '') -> str | None:
    """The path to the first bit in which two nested results differ, or None.

    They hold tensors, bytes and plain types; the path is as
    ``optimizers.generator.state.0``. Equal NaNs are equal; 0.0 and -0.0 are not.
    """
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return where
        one, other = dict(enumerate(one)), dict(enumerate(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in [*one, *(key for key in other if key not in one)]:
            inner = f'{where}.{key}'.lstrip('.')
            if key not in one or key not in other:
                return inner
            found = find_difference(one[key], other[key], inner)
            if found is not None:
                return found
        return None
    return None if _bits(one) == _bits(other) else where


def _bits(value: Any) -> object:
    if isinstance(value, torch.Tensor):
        raw = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        return value.dtype, value.shape, raw.numpy().tobytes()
    if isinstance(value, float):
        return float, value.hex()
    return type(value), value
