"""Keep checkpoints free of anything but tensors and plain Python types."""

from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer

from segda_mm.registry import HOOKS

_BUFFER_KEYS = {'log_history', 'count_history', 'max_length'}

#: Weights are tensors already, and their order and versions are in their type.
_WEIGHTS = ('state_dict', 'ema_state_dict')

_PLAIN_TYPES = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    torch.Tensor,
    torch.nn.Parameter,
    torch.Size,
    torch.dtype,
    torch.device,
)


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Make checkpoints readable by ``torch.load(..., weights_only=True)``.

    MMEngine keeps NumPy scalars and its own ``HistoryBuffer`` objects beside
    the weights. They need an unpickler that can run code, which nobody should
    have to use on a file of somebody else. They are written as Python numbers
    and tensors, and turned back into buffers when a run is resumed.
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Replace everything that is not plain, in place.

        Args:
            runner: The runner.
            checkpoint: What is going to be written.

        Raises:
            TypeError: Something in it, named by its keys, is of a type that
                could not be read back without running code.
        """
        for key in checkpoint.keys() - set(_WEIGHTS):
            checkpoint[key] = _to_plain(checkpoint[key], key)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Restore the logged histories, in place.

        Args:
            runner: The runner.
            checkpoint: What was read.
        """
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for key, value in scalars.items():
            if isinstance(value, dict) and value.keys() == _BUFFER_KEYS:
                scalars[key] = HistoryBuffer(
                    value['log_history'].cpu().numpy(),
                    value['count_history'].cpu().numpy(),
                    value['max_length'],
                )


def _to_plain(value: Any, place: str) -> Any:
    if isinstance(value, HistoryBuffer):
        log_history, count_history = value.data
        return dict(
            log_history=torch.from_numpy(np.array(log_history)),
            count_history=torch.from_numpy(np.array(count_history)),
            max_length=value.max_length,
        )
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {
            _to_plain(key, place): _to_plain(entry, f'{place}.{key}')
            for key, entry in value.items()
        }
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        # Also those with names, whose class would have to be imported.
        sequence = tuple if isinstance(value, tuple) else list
        return sequence(
            _to_plain(entry, f'{place}.{index}') for index, entry in enumerate(value)
        )
    if isinstance(value, (set, frozenset)):
        return {_to_plain(entry, place) for entry in value}
    if type(value) not in _PLAIN_TYPES:
        raise TypeError(
            f'the checkpoint entry {place} is a {type(value).__name__}, which '
            'could not be read back without running code of the file; let the '
            'hook, scheduler or optimizer that keeps it there store numbers, '
            'texts, tensors, and lists or dicts of them'
        )
    return value
