"""The one reader of checkpoints: tensors and plain types, and no code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from os import PathLike

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from segda_mm.models.checkpoint_source import local_checkpoint
from segda_mm.models.safetensors_file import read_safetensors


def read_checkpoint(
    source: str | PathLike, map_location: str | torch.device | Callable = 'cpu'
) -> dict:
    """Read a checkpoint without running code of it.

    A file of ``torch.save`` is read by ``torch.load(weights_only=True)`` with
    nothing added to the types that torch allows, and never in another way. What
    is text in it stays text: ``meta['config']``, which MMEngine's Runner would
    run as Python when it resumes, is left out.

    Args:
        source: A local file or a URL with its sha256, as
            :func:`parse_checkpoint_source` takes them; ``.safetensors`` or one
            of ``torch.save``.
        map_location: See :func:`torch.load`. The tensors of a ``.safetensors``
            are on the CPU.

    Returns:
        The content. That of a ``.safetensors`` is under ``state_dict``.

    Raises:
        FileNotFoundError: There is no such local file.
        ValueError: The file holds anything else, or is damaged; or the source is
            a URL without a sha256, or of another file than that.
    """
    file = local_checkpoint(source)
    if file.suffix == '.safetensors':
        return dict(state_dict=read_safetensors(file))
    try:
        content = torch.load(file, map_location=map_location, weights_only=True)
    except OSError:
        raise
    # Bytes that are no checkpoint make torch raise nearly anything.
    except Exception as error:
        raise ValueError(_cannot_be_read(source, error)) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{source} cannot be read as a checkpoint: it holds a '
            f'{type(content).__name__} and not weights by name'
        )
    if isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)
    return content


def read_state_dict(source: str | PathLike) -> dict[str, Tensor]:
    """Read the weights of a checkpoint, with or without a ``state_dict`` entry.

    Args:
        source: See :func:`read_checkpoint`.

    Returns:
        The weights by name, on the CPU.

    Raises:
        FileNotFoundError: There is no such local file.
        ValueError: As :func:`read_checkpoint`, or something among the weights
            is no tensor.
    """
    content = read_checkpoint(source)
    state = content.get('state_dict', content)
    if not isinstance(state, Mapping):
        raise ValueError(f'`state_dict` of {source} holds no weights by name')
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(
                f'{source} cannot be read as weights: {name!r} is a '
                f'{type(value).__name__} and no tensor'
            )
    return state


def load_network_weights(
    network: nn.Module, source: str | PathLike, prefix: str
) -> None:
    """Load the part of a checkpoint that belongs to one network.

    Every parameter and buffer must be there in its shape, and nothing may be left
    over under ``prefix``.

    Args:
        network: The network to fill, in place.
        source: See :func:`read_checkpoint`.
        prefix: What the network's keys begin with in the file.

    Raises:
        FileNotFoundError: There is no such local file.
        ValueError: The file is not a checkpoint of plain tensors, has no key
            under ``prefix``, or does not fit the network.
    """
    state = read_state_dict(source)
    part = {
        name[len(prefix) :]: value
        for name, value in state.items()
        if name.startswith(prefix)
    }
    if not part:
        starts = sorted({name.split('.')[0] for name in state})
        raise ValueError(
            f'{source} has no weights under {prefix!r}; its keys begin with '
            f'{", ".join(starts)}. Set `checkpoint_prefix` of the generator, or '
            '`prefix` of StrictPretrained, to the network to start from.'
        )
    try:
        network.load_state_dict(part, strict=True)
    except RuntimeError as error:
        raise ValueError(
            f'the weights under {prefix!r} of {source} do not fit '
            f'{type(network).__name__}: {error}'
        ) from error
    print_log(f'Loaded {prefix or "all weights"} of {source}', logger='current')


def _cannot_be_read(source: str | PathLike, error: Exception) -> str:
    message = f'{source} cannot be read as a checkpoint of tensors and plain types'
    # torch explains at length how to read such a file nevertheless.
    forbidden = re.search(r'GLOBAL (\S+)', str(error))
    if forbidden:
        return (
            f'{message}: it asks for {forbidden[1]}, and nothing else is read from a '
            'file because it could run code. Nothing of it was run. If another '
            'program of yours wrote it, let that save the `state_dict` alone'
        )
    reason = (str(error).splitlines() or [''])[0]
    return (
        f'{message}: {type(error).__name__}: {reason[:200]}. It is damaged or '
        'no checkpoint; take another one. Nothing else is read from a file because '
        'it could run code'
    )
