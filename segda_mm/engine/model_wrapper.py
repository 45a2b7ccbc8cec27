"""One model in all processes: who averages gradients, buffers and figures."""

import math
from collections import defaultdict
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from mmengine.dist import all_gather_object, broadcast, get_world_size
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from segda_mm.engine.process_wide import share_batch_statistics, share_loss_averages
from segda_mm.registry import MODEL_WRAPPERS


def loss_call_of(model: nn.Module) -> tuple[str, nn.Module] | None:
    """The call for which ``DistributedDataParallel`` is to average gradients.

    It cannot follow passes of one network that serve the loss of another, as in
    adversarial training: there ``GradientAveragingOptimWrapper`` averages at the step
    of each optimizer.

    Returns:
        The method that computes the loss, and the network that holds all it trains:
        ``forward`` and the model, where ``train_step`` is MMEngine's;
        ``student_losses`` and the one trained child of a method; None otherwise.
    """
    if type(model).train_step is BaseModel.train_step:
        return 'forward', model
    parts = [*model.children(), nn.ParameterList(model.parameters(recurse=False))]
    trained = [
        part
        for part in parts
        if any(parameter.requires_grad for parameter in part.parameters())
    ]
    if (
        len(trained) == 1
        and hasattr(model, 'student_losses')
        # Which is not called where each pass has a backward pass of its own.
        and not getattr(model, 'backward_per_pass', False)
    ):
        return 'student_losses', trained[0]
    return None


# The Runner looks wrappers up in MMEngine's own registry whatever the default
# scope is, so that a name registered with MMSegmentation would not be found.
@MODEL_WRAPPERS.root.register_module()
class PassThroughDistributed(nn.Module):
    """Hold the same model in every process and pass calls through.

    Gradients are averaged by DDP or at the step of the optimizer, as
    :func:`loss_call_of` decides. Buffers are set to those of rank 0 after every
    training step, not before it as DDP would: all processes then validate and label
    with one network, and its checkpoint holds all there is to resume from.

    Args:
        module: The model, with ``train_step``, ``val_step`` and ``test_step``.
        process_wide_batch_norm: Normalise in training by the statistics of the
            batches of all processes, see :class:`ProcessWideBatchNorm`.
        use_ddp: False averages at the step of the optimizer whatever the model.
        find_unused_parameters: Let DDP accept parameters that no loss reaches.
    """

    def __init__(
        self,
        module: nn.Module,
        process_wide_batch_norm: bool = False,
        use_ddp: bool = True,
        find_unused_parameters: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.val_step, self.test_step = module.val_step, module.test_step
        self._use_ddp, self._find_unused = use_ddp, find_unused_parameters
        self._ddp: _CallsThroughDDP | None = None
        if process_wide_batch_norm:
            share_batch_statistics(module)
        share_loss_averages(module)
        _broadcast([p.data for p in module.parameters()])
        _broadcast(list(module.buffers()))

    def train_step(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Run the model's training step, then share the buffers of rank 0.

        Returns:
            The mean over processes of each figure, or its own where one is not finite.
        """
        if self._use_ddp and get_world_size() > 1:
            # Not before: hooks may still put weights into another memory layout.
            call, self._use_ddp = loss_call_of(self.module), False
            if call is not None:
                self._ddp = _CallsThroughDDP(self.module, *call, self._find_unused)
        log_vars = self.module.train_step(*args, **kwargs)
        if self._ddp is not None:
            self._ddp.require_call()
        _broadcast(list(self.module.buffers()))
        return _mean_over_processes(log_vars)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the model's forward pass."""
        return self.module(*args, **kwargs)


class _CallsThroughDDP:
    """Lets the call that computes a model's loss go through DDP.

    Modules stay in their places. The network gets DDP's ``no_sync``, by which optimizer
    wrappers see that its gradients are averaged already.
    """

    def __init__(
        self, model: nn.Module, name: str, network: nn.Module, find_unused: bool
    ) -> None:
        self._model, self._name, self._called = model, name, False
        run = getattr(model, name)
        on_cpu = all(p.device.type == 'cpu' for p in network.parameters())
        ddp = DistributedDataParallel(
            _Body(network, run),
            broadcast_buffers=False,
            # Else DDP sorts its messages anew after its first step. On CPUs, where
            # a resumed run is exact, three processes would then add up in another
            # order than the uninterrupted run.
            find_unused_parameters=find_unused or on_cpu,
        )

        def through_ddp(this: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if this is not model:
                # A copy, as that of an average of the weights.
                return getattr(type(this), name)(this, *args, **kwargs)
            if not torch.is_grad_enabled():
                return run(*args, **kwargs)
            self._called = True
            return ddp(*args, **kwargs)

        setattr(model, name, MethodType(through_ddp, model))
        network.no_sync = MethodType(lambda this: ddp.no_sync(), network)

    def require_call(self) -> None:
        """See that the model's step did not go past DDP."""
        if not self._called:
            raise RuntimeError(
                f'{type(self._model).__name__}.train_step does not call '
                f'self.{self._name}(...), by which DistributedDataParallel '
                'averages gradients, so that each process would train alone; call '
                'it, or set model_wrapper_cfg.use_ddp=False'
            )
        self._called = False


class _Body(nn.Module):
    """What DDP wraps: a network, and the method that computes its loss."""

    def __init__(self, network: nn.Module, run: Callable) -> None:
        super().__init__()
        self.network, self.forward = network, run


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
    kinds: dict[tuple, list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        kinds[tensor.dtype, tensor.device].append(tensor)
    for members in kinds.values():
        flat = torch.cat([tensor.flatten() for tensor in members])
        broadcast(flat)
        parts = flat.split([tensor.numel() for tensor in members])
        for tensor, part in zip(members, parts):
            tensor.copy_(part.view_as(tensor))
