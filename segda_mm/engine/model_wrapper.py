"""A model wrapper that leaves gradients to the optimizer wrappers."""

import math

import torch
from mmengine.dist import all_gather_object, broadcast, get_world_size
from torch import Tensor, nn

from segda_mm.engine.process_wide_batch_norm import share_batch_statistics
from segda_mm.engine.shared_loss_average import share_loss_averages
from segda_mm.registry import MODEL_WRAPPERS


# The Runner looks wrappers up in MMEngine's own registry whatever the default
# scope is, so that a name registered with MMSegmentation would not be found.
@MODEL_WRAPPERS.root.register_module()
class PassThroughDistributed(nn.Module):
    """Hold the same model in every process and pass calls through.

    Gradients are averaged by ``GradientAveragingOptimWrapper`` at the step of
    each optimizer. Parameters and buffers start as those of rank 0. Buffers,
    such as the running statistics of batch normalization, are set to those of
    rank 0 after every training step: all processes then validate and label
    with one and the same network, and a checkpoint, which rank 0 writes, holds
    all there is to resume from.

    Args:
        module: The model, with ``train_step``, ``val_step`` and ``test_step``.
        process_wide_batch_norm: Normalise in training by the statistics of the
            batches of all processes, see :class:`ProcessWideBatchNorm`.
    """

    def __init__(
        self, module: nn.Module, process_wide_batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.module = module
        if process_wide_batch_norm:
            share_batch_statistics(module)
        share_loss_averages(module)
        _broadcast([p.data for p in module.parameters()])
        _broadcast(list(module.buffers()))

    def train_step(self, *args, **kwargs) -> dict[str, Tensor]:
        """Run the model's training step, then share the buffers of rank 0.

        Returns:
            The model's figures, each the mean over processes: what is logged
            is of the whole batch. Where one is not finite each process returns
            its own, which tell whose images are to blame.
        """
        log_vars = self.module.train_step(*args, **kwargs)
        _broadcast(list(self.module.buffers()))
        return _mean_over_processes(log_vars)

    def val_step(self, *args, **kwargs) -> list:
        """Run the model's validation step."""
        return self.module.val_step(*args, **kwargs)

    def test_step(self, *args, **kwargs) -> list:
        """Run the model's test step."""
        return self.module.test_step(*args, **kwargs)

    def forward(self, *args, **kwargs):
        """Run the model's forward pass."""
        return self.module(*args, **kwargs)


def _mean_over_processes(log_vars: dict[str, Tensor]) -> dict[str, Tensor]:
    """Average every figure over the processes that have it."""
    if get_world_size() == 1:
        return log_vars
    # By name: processes may disagree on what there is to log.
    gathered = all_gather_object(
        {key: float(value.detach()) for key, value in log_vars.items()}
    )
    if not all(math.isfinite(value) for part in gathered for value in part.values()):
        return log_vars
    means = {}
    for key in dict.fromkeys(key for part in gathered for key in part):
        values = [part[key] for part in gathered if key in part]
        means[key] = torch.tensor(sum(values) / len(values))
    return means


def _broadcast(tensors: list[Tensor]) -> None:
    """Overwrite the tensors of all ranks by those of rank 0, in place."""
    if get_world_size() == 1:
        return
    kinds: dict[tuple, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for members in kinds.values():
        flat = torch.cat([tensor.flatten() for tensor in members])
        broadcast(flat)
        parts = flat.split([tensor.numel() for tensor in members])
        for tensor, part in zip(members, parts):
            tensor.copy_(part.view_as(tensor))
