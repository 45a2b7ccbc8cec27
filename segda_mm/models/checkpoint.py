"""Strict and safe loading of one network's weights."""
import pickle
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import nn


def load_network_weights(network: nn.Module, file: str, prefix: str) -> None:
    """Load the part of a checkpoint that belongs to one network.

    Only tensors and plain types are read (``weights_only=True``), every
    parameter and buffer must be there in its shape, and nothing may be left
    over under ``prefix``.

    Args:
        network: The network to fill, in place.
        file: A local checkpoint, with or without a ``state_dict`` entry.
        prefix: What the network's keys begin with in the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a checkpoint of plain tensors, has no key
            under ``prefix``, or does not fit the network.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(
            f'checkpoint {file} does not exist; train the run that makes it '
            'first, or name another file as `checkpoint`')
    try:
        content = torch.load(file, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f'{file} cannot be read as a checkpoint of plain tensors: '
            f'{error}') from error
    state = content.get('state_dict', content)
    part = {
        key[len(prefix):]: value
        for key, value in state.items() if key.startswith(prefix)
    }
    if not part:
        starts = sorted({key.split('.')[0] for key in state})
        raise ValueError(f'{file} has no weights under {prefix!r}; its keys '
                         f'begin with {", ".join(starts)}. Set '
                         '`checkpoint_prefix` of the generator, or `prefix` of '
                         'StrictPretrained, to the network to start from.')
    try:
        network.load_state_dict(part, strict=True)
    except RuntimeError as error:
        raise ValueError(f'the weights under {prefix!r} of {file} do not fit '
                         f'{type(network).__name__}: {error}') from error
    print_log(f'Loaded {prefix or "all weights"} of {file}', logger='current')
