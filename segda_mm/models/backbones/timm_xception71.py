"""Weights of timm's ``xception71`` for :class:`Xception71`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike

import torch
from torch import Tensor

from segda_mm.files import atomic_file
from segda_mm.models.backbones.xception import ENTRY_FLOW, Xception71
from segda_mm.models.checkpoints import read_state_dict

MIDDLE_MODULES = 16
HALVES = {'dw': 'depthwise_conv', 'pw': 'pointwise_conv'}


def convert_timm_xception71(source: str | PathLike, target: str | PathLike) -> None:
    """Write the weights of a timm checkpoint as a classifier of ours.

    The file has the weights of :class:`Xception71` under ``backbone.`` and
    timm's classifier, where there is one, under ``head.fc.``: it can be tested
    with the ImageNet config of X-71, and starts a segmentor through
    ``StrictPretrained``.

    Args:
        source: A local checkpoint: ``.safetensors``, or one of ``torch.save``
            with tensors only, with or without a ``state_dict`` entry.
        target: The ``.pth`` to write.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a checkpoint of plain tensors, or not one of
            ``xception71``.
    """
    state = read_state_dict(source)
    try:
        converted = rename_timm_xception71(state)
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from error
    with atomic_file(target) as file:
        torch.save(dict(state_dict=converted, meta=dict(source=str(source))), file)


def rename_timm_xception71(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the weights of timm's ``xception71`` the names they have here.

    Args:
        state: timm's state dict.

    Returns:
        The same tensors under ``backbone.`` and ``head.``.

    Raises:
        ValueError: A name is not timm's, or names or shapes are not those of
            :class:`Xception71`; the message has the first few of them.
    """
    converted = {_renamed(name): tensor for name, tensor in state.items()}
    with torch.device('meta'):
        wanted = {
            f'backbone.{name}': tensor.shape
            for name, tensor in Xception71().state_dict().items()
        }
    found = {
        name: tensor.shape
        for name, tensor in converted.items()
        if name.startswith('backbone.')
    }
    problems = [
        f'{name} is {tuple(found[name]) if name in found else "missing"} and should '
        + (f'be {tuple(wanted[name])}' if name in wanted else 'not be there')
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
    if problems:
        raise ValueError(
            f'{len(problems)} weights are not those of xception71: '
            + '; '.join(problems[:3])
        )
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
