"""Weights of files that hold more than tensors and plain types, without their code."""

from __future__ import annotations

import pickle
import tarfile
import types
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segda_mm.models.checkpoints import local_checkpoint, read_checkpoint

#: All that a pickle may call: it puts tensors together, and dictionaries.
_REBUILDERS = {
    ('torch._utils', '_rebuild_tensor_v2'): torch._utils._rebuild_tensor_v2,
    ('torch._utils', '_rebuild_parameter'): torch._utils._rebuild_parameter,
    ('collections', 'OrderedDict'): OrderedDict,
}

#: Where programs keep the weights in their files, and the names of classes.
_WEIGHT_ENTRIES = ('state_dict', 'model_state_dict', 'model')
_CLASS_ENTRIES = dict(classes=('classes', 'CLASSES'), palette=('palette', 'PALETTE'))


def read_foreign_weights(
    source: str | PathLike,
) -> tuple[dict[str, Tensor], dict[str, list]]:
    """Read the weights of another program's checkpoint, as a zoo or MMEngine writes it.

    Objects that only code of theirs could make, as MMEngine's history of a training,
    become empty ones: nothing of the file is called but what puts tensors together.
    ``module.`` of a parallel wrapper is taken off the names, and ``ema_...`` copies of
    MMCV's EMA hook are left out.

    Returns:
        The weights, and ``classes`` and ``palette`` where the file tells them.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, of another kind, or without weights.
    """
    try:
        content = read_checkpoint(source)
    except FileNotFoundError:
        raise
    except ValueError as error:
        file = local_checkpoint(source)
        if file.suffix == '.safetensors' or _may_run(file):
            raise error
        try:
            content = torch.load(
                file, map_location='cpu', pickle_module=_reader, weights_only=False
            )
        # Bytes that are no checkpoint make the libraries raise nearly anything.
        except Exception:
            raise error from None
    if not isinstance(content, dict):
        raise ValueError(f'{source} holds no weights by name')
    entries = [content.get(name) for name in _WEIGHT_ENTRIES]
    found = next((e for e in entries if isinstance(e, Mapping)), content)
    state = {
        str(name).removeprefix('module.'): value.detach()
        for name, value in found.items()
        if isinstance(value, Tensor)
    }
    copies = {f'ema_{name.replace(".", "_")}' for name in state}
    state = {name: value for name, value in state.items() if name not in copies}
    if not state:
        raise ValueError(f'{source} holds no weights by name')
    return state, _class_table(content.get('meta'))


def _class_table(meta: object) -> dict[str, list]:
    if not isinstance(meta, dict):
        return {}
    own = meta.get('dataset_meta')
    # MMSegmentation 0.x had them in `meta` itself.
    meta = own if isinstance(own, dict) else meta
    table = {}
    for name, keys in _CLASS_ENTRIES.items():
        value = next((meta[key] for key in keys if key in meta), None)
        if isinstance(value, list | tuple) and 'Inert' not in repr(value):
            table[name] = [v if isinstance(v, str) else list(v) for v in value]
    return table


def _may_run(file: Path) -> bool:
    """Whether torch would not only unpickle it: a program, or files to unpack."""
    if tarfile.is_tarfile(file):
        return True
    if not zipfile.is_zipfile(file):
        return False
    names = zipfile.ZipFile(file).namelist()
    return any(Path(name).name == 'constants.pkl' for name in names)


class _Inert:
    """Stands for an object that the file's own code would make."""

    def __new__(cls, *args: Any, **kwargs: Any) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def _ignore(self, *args: Any) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = update = _ignore

    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        return self


class _InertUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        return _REBUILDERS.get((module_name, global_name), _Inert)


def _load(file: Any, **kwargs: Any) -> Any:
    return _InertUnpickler(file, **kwargs).load()


#: What torch takes for the module `pickle`.
_reader: Any = types.ModuleType('inert_pickle')
_reader.Unpickler, _reader.load = _InertUnpickler, _load
