"""Weights of timm's ``xception71`` for :class:`Xception71`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike

import torch
from torch import Tensor

from segda_mm.files import atomic_file
from segda_mm.models.backbones.xception import ENTRY_FLOW, Xception71
from segda_mm.models.checkpoints import read_state_dict, under_prefix
from segda_mm.outputs import note_files, require_own_files

MIDDLE_MODULES = 16
HALVES = {'dw': 'depthwise_conv', 'pw': 'pointwise_conv'}


def convert_timm_xception71(source: str | PathLike, target: str | PathLike) -> None:
    """Write the weights of a timm checkpoint as a classifier of ours.

    Weights of :class:`Xception71` are under ``backbone.``, timm's classifier under
    ``head.fc.``. ValueError where these are not weights of ``xception71``.
    """
    require_own_files([target], [source])
    state = read_state_dict(source)
    try:
        converted = rename_timm_xception71(state)
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from error
    with atomic_file(target) as file:
        torch.save(dict(state_dict=converted, meta=dict(source=str(source))), file)
    note_files([target])


def rename_timm_xception71(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give timm's weights the names they have here; ValueError if any does not fit."""
    converted = {_renamed(name): tensor for name, tensor in state.items()}
    with torch.device('meta'):
        network = Xception71()
    try:
        network.load_state_dict(under_prefix(converted, 'backbone.'), assign=True)
    except RuntimeError as error:
        raise ValueError(f'the weights are not those of xception71: {error}') from error
    return converted


def _renamed(name: str) -> str:
    match = re.fullmatch(r'blocks\.(\d+)\.(.+)', name)
    if not match:
        if re.fullmatch(r'stem\.[01]\.(conv|bn)\.\w+', name):
            return f'backbone.{name}'
        if name in ('head.fc.weight', 'head.fc.bias'):
            return name
        raise ValueError(f'{name} is no weight of xception71')
    block, inside = int(match[1]), match[2]
    last = len(ENTRY_FLOW) + MIDDLE_MODULES + 1
    if block < len(ENTRY_FLOW):
        module = f'entry.{block}'
    elif block < last - 1:
        module = f'middle.{block - len(ENTRY_FLOW)}'
    elif block <= last:
        module = f'exit{block - last + 2}'
    else:
        raise ValueError(f'{name}: xception71 has {last + 1} blocks')
    if match := re.fullmatch(r'shortcut\.((?:conv|bn)\.\w+)', inside):
        return f'backbone.{module}.projection.{match[1]}'
    match = re.fullmatch(r'stack\.conv([123])\.(conv|bn)_(dw|pw)\.(\w+)', inside)
    if not match:
        raise ValueError(f'{name} is no weight of xception71')
    number, layer, half, weight = match.groups()
    separable = f'.{int(number) - 1}' if block == last else f'.separable{number}'
    return f'backbone.{module}{separable}.{HALVES[half]}.{layer}.{weight}'
