"""What a run leaves behind, and whether two runs left the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from segda_mm.engine.runner import find_resumable_checkpoint

_LABEL_MANIFEST = 'manifest.json'
_REPORTS = (_LABEL_MANIFEST, 'state.json', 'report.json')


def results_of_run(work_dir: str | Path) -> dict[str, Any]:
    """Everything in the folder of a run that is to be the same when it is repeated.

    That is the last checkpoint of every training in it, all label images and
    pictures, their manifests, and the state and the report of a self-training,
    without times, by the path below ``work_dir``.
    """
    work_dir = Path(work_dir)
    results: dict[str, Any] = {}
    for pointer in work_dir.rglob('last_checkpoint'):
        file = Path(find_resumable_checkpoint(str(pointer.parent)))
        results[str(file.relative_to(work_dir))] = trained_state(file)
    for picture in work_dir.rglob('*.png'):
        results[str(picture.relative_to(work_dir))] = picture.read_bytes()
    for name in _REPORTS:
        for file in work_dir.rglob(name):
            content = json.loads(file.read_text(encoding='utf-8'))
            if name == _LABEL_MANIFEST:
                # Holds the digest of a checkpoint, which holds times.
                content.pop('labels_of', None)
            results[str(file.relative_to(work_dir))] = content
    return results


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
    """Where two results (tensors, bytes and plain types, nested) differ in any bit.

    Returns:
        The path to the first difference, as ``optimizers.generator.state.0``; None
        where there is none. Equal NaNs are equal; 0.0 and -0.0 are not.
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
