"""What training computes over the images of all processes instead of its own."""

from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmseg.models.losses.cross_entropy_loss import CrossEntropyLoss, cross_entropy
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


class ProcessWideBatchNorm(nn.BatchNorm2d):
    """Normalise by the statistics of the batches of all processes together.

    What PyTorch's ``SyncBatchNorm`` does on GPUs, with any backend, but slower. All
    processes must pass through the layer equally often.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise (N, C, H, W) maps; N may differ between processes."""
        if not self.training or get_world_size() == 1:
            return super().forward(inputs)
        # float32 sums of squares lose digits where the mean is large.
        wide = inputs.double()
        sums = torch.stack([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3))])
        num_values = wide.new_full((2, 1), inputs.numel() // inputs.shape[1])
        totals = _SumOverProcesses.apply(torch.cat([sums, num_values], dim=1))
        count = totals[0, -1].detach()
        mean, mean_square = totals[:, :-1] / count
        variance = (mean_square - mean.square()).clamp(min=0)
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach(), count)
        scale = (variance + self.eps).rsqrt()
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        normalized = wide * scale[:, None, None] + shift[:, None, None]
        return normalized.to(inputs.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        self.num_batches_tracked += 1
        unbiased = variance * (count / (count - 1).clamp(min=1))
        self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
        self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)


def share_batch_statistics(model: nn.Module) -> None:
    """Turn every ``BatchNorm2d`` into a :class:`ProcessWideBatchNorm`, in place."""
    for module in model.modules():
        # Not by `norm_cfg`: some of mmseg's blocks never pass theirs on.
        if type(module) is nn.BatchNorm2d:
            module.__class__ = ProcessWideBatchNorm


class _SumOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor) -> Tensor:
        total = values.clone()
        all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        # The sum is in the losses of all processes.
        return _SumOverProcesses.forward(ctx, gradient)


def share_loss_averages(model: nn.Module) -> None:
    """Make cross entropies divide by the pixels of all processes.

    ``CrossEntropyLoss(avg_non_ignore=True)`` divides by the pixels of its batch that
    are not void, and the mean over processes would weigh the pixels of an image with
    much void more than others. Afterwards every process divides by the mean of the
    numbers, so that the mean of the losses, and of their gradients, is that of one
    process with all images in one batch. With class weights, a pixel counts as its
    class weighs. Losses that average over all pixels are left as they are.
    """
    for module in model.modules():
        if (
            isinstance(module, CrossEntropyLoss)
            and module.cls_criterion is cross_entropy
            and module.avg_non_ignore
        ):
            module.register_forward_pre_hook(_add_avg_factor, with_kwargs=True)


def _add_avg_factor(
    loss: CrossEntropyLoss, args: tuple, kwargs: dict[str, Any]
) -> tuple[tuple, dict[str, Any]]:
    if get_world_size() == 1 or loss.reduction != 'mean':
        return args, kwargs
    logits = args[0] if args else kwargs['cls_score']
    label = args[1] if len(args) > 1 else kwargs['label']
    counted = label != kwargs.get('ignore_index', -100)
    # float32 would round the number of pixels of a large batch.
    weights = counted.to(torch.float64)
    if loss.class_weight is not None:
        of_class = weights.new_tensor(loss.class_weight)
        weights *= of_class[label.masked_fill(~counted, 0)]
    mean_counted = weights.sum()
    all_reduce(mean_counted, 'mean')
    # A loss of float32 stays one; float16 has no room for the number.
    wanted = torch.promote_types(logits.dtype, torch.float32)
    return args, dict(kwargs, avg_factor=mean_counted.to(wanted))
