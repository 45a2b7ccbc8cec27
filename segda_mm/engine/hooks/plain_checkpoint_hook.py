"""Keep checkpoints free of anything but tensors and plain Python types."""
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer

from segda_mm.registry import HOOKS

_BUFFER_KEYS = {'log_history', 'count_history', 'max_length'}


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
        """
        for key in ('meta', 'message_hub', 'param_schedulers'):
            if key in checkpoint:
                checkpoint[key] = _to_plain(checkpoint[key])

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
                    value['max_length'])


def _to_plain(value: Any) -> Any:
    if isinstance(value, HistoryBuffer):
        log_history, count_history = value.data
        return dict(
            log_history=torch.from_numpy(np.array(log_history)),
            count_history=torch.from_numpy(np.array(count_history)),
            max_length=value.max_length)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_to_plain(entry) for entry in value)
    return value
