"""Weights of a network that was trained before, as an ``init_cfg``."""

from __future__ import annotations

from mmengine.model import update_init_info
from torch import nn

from segda_mm.models.checkpoints import load_network_weights
from segda_mm.registry import WEIGHT_INITIALIZERS


# A module's `init_cfg` is looked up in MMEngine's own registry where no default
# scope is set, and from there in every scope.
@WEIGHT_INITIALIZERS.root.register_module()
class StrictPretrained:
    """Start from a checkpoint, all of it and nothing but tensors.

    ``init_cfg=dict(type='StrictPretrained', checkpoint=FILE,
    prefix='backbone.')`` starts any backbone from a classifier that was trained
    with it. Unlike MMEngine's ``Pretrained`` it reads no pickled code, and a
    missing, left-over or misshapen weight is an error and not a line in the
    log. Dilation and stride have no weights and may differ.

    Args:
        checkpoint: A local file, with or without a ``state_dict`` entry, or a
            URL with its sha256: ``https://.../file.pth#sha256=<64 hex digits>``.
        prefix: What the module's keys begin with in that file.

    Raises:
        FileNotFoundError: There is no such local file.
        ValueError: The file is no checkpoint of plain tensors, has no key
            under ``prefix``, or does not fit the module; or the URL has no
            sha256 or another one.
    """

    def __init__(self, checkpoint: str, prefix: str = '') -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix

    def __call__(self, module: nn.Module) -> None:
        """Fill the module, in place."""
        load_network_weights(module, self.checkpoint, self.prefix)
        for part in module.modules():
            # MMEngine initializes the parts after the whole, but for its own
            # `Pretrained`, and would draw them afresh.
            if part is not module and hasattr(part, 'init_weights'):
                part.is_init = True
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'StrictPretrained: loaded {self.checkpoint}')
