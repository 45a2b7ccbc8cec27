"""Running statistics of the target for networks trained on the source."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.image_pass import build_image_loader, undisturbed
from segda_mm.ops.pooled_moments import moment_sums, pooled_moments
from segda_mm.registry import HOOKS

#: The checkpoint's entry for the statistics that training goes on with.
_ENTRY = 'training_batch_norm'
_BUFFERS = ('running_mean', 'running_var')


@HOOKS.register_module()
class AdaptiveBatchNormHook(Hook):
    """Give the deployed network the BatchNorm statistics of target images.

    AdaBN: Li et al., "Revisiting Batch Normalization For Practical Domain
    Adaptation", 2016. At the end of each epoch the running means and variances of the
    deployed segmentor are replaced by those of the target images: its checkpoint and
    validation see an adapted network. Training goes on with its own statistics, which
    checkpoints hold beside the adapted ones.

    Each layer normalises a batch by the batch's own statistics: let batches be as large
    as in training. Its mean is that of all values in all processes; its variance
    follows by the law of total variance, divided by n - 1.

    Args:
        dataloader: Config of a data loader over the target images, as
            ``UnlabeledImageDataset``. Its sampler is set by the hook.
    """

    # Before all that saves, validates or labels.
    priority = 'HIGHEST'

    def __init__(self, dataloader: dict) -> None:
        self._dataloader_cfg = dataloader
        self._of_training: dict[str, Tensor] = {}

    def before_train(self, runner: Runner) -> None:
        """See that the deployed network can be adapted, and try the images."""
        _check(runner)
        self._dataloader, _ = build_image_loader(
            runner, self._dataloader_cfg, type(self).__name__
        )

    def before_train_epoch(self, runner: Runner) -> None:
        """Put back the statistics that training left."""
        network = unwrapped(runner.model)
        for name, value in self._of_training.items():
            network.get_buffer(name).copy_(value)
        self._of_training = {}

    def after_train_epoch(self, runner: Runner) -> None:
        """Replace the statistics by those of the target images."""
        layers = _deployed_layers(unwrapped(runner.model))
        self._of_training = {
            f'{name}.{buffer}': getattr(layer, buffer).clone()
            for name, layer in layers.items()
            for buffer in _BUFFERS
        }
        with undisturbed(runner.model), _measuring(layers.values()) as sums:
            for batch in self._dataloader:
                runner.model.test_step(batch)
        # One message for all layers.
        totals = torch.cat(sums)
        all_reduce(totals)
        parts = totals.split([len(part) for part in sums])
        for layer, part in zip(layers.values(), parts):
            if part[0]:
                for buffer, moment in zip(_BUFFERS, pooled_moments(part)):
                    getattr(layer, buffer).copy_(moment)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the statistics of training beside adapted ones."""
        if self._of_training:
            checkpoint[_ENTRY] = {
                name: value.cpu() for name, value in self._of_training.items()
            }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the statistics of training for the next epoch."""
        self._of_training = checkpoint.get(_ENTRY, {})


def _check(runner: Runner) -> None:
    network = unwrapped(runner.model)
    problem = None
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        problem = (
            'adapts at the end of epochs, but train_cfg.type is '
            f'{type(runner.train_loop).__name__!r}; use '
            "train_cfg.type='ResumableEpochTrainLoop'"
        )
    elif runner.cfg.get('efficient_conv_bn_eval'):
        problem = (
            'listens to BatchNorm layers, past which networks go with '
            'efficient_conv_bn_eval of the config; take it out'
        )
    elif not _deployed_layers(network):
        problem = (
            'replaces running statistics of BatchNorm, but the deployed network of '
            f'model.type={type(network).__name__!r} has no such layer; use '
            "norm_cfg=dict(type='BN') in its backbone and heads, or take the hook out"
        )
    elif any(isinstance(hook, EMAHook) for hook in runner.hooks):
        problem = (
            'adapts the network that is trained, but EMAHook deploys another one, its '
            'average; take one of the two out of custom_hooks'
        )
    if problem:
        raise ValueError(f'AdaptiveBatchNormHook {problem}')
    if any(isinstance(h, CheckpointHook) and not h.by_epoch for h in runner.hooks):
        runner.logger.warning(
            'AdaptiveBatchNormHook adapts at the end of epochs, but '
            'default_hooks.checkpoint.by_epoch is False: checkpoints iter_*.pth are '
            'written before and hold the statistics of training'
        )


def _deployed_layers(network: nn.Module) -> dict[str, nn.Module]:
    """BatchNorm layers with running statistics, by their names in the model."""
    deployed = set(getattr(network, 'deployed', network).modules())
    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm)
        and layer in deployed
        and layer.running_mean is not None
    }


@contextmanager
def _measuring(layers: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """Let layers normalise by their batches; yields each one's sums of moments.

    Not training mode, which wants several values a channel, and waits for others.
    """
    sums, handles = [], []
    for layer in layers:
        size = 2 * layer.num_features + 1
        total = layer.running_mean.new_zeros(size, dtype=torch.float64)

        def measure(
            layer: nn.Module, inputs: tuple[Tensor], total: Tensor = total
        ) -> None:
            values = inputs[0].float()
            all_but_channel = [0, *range(2, values.dim())]
            variance, mean = torch.var_mean(values, all_but_channel, correction=0)
            total += moment_sums(values.numel() // values.shape[1], mean, variance)
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(variance)

        sums.append(total)
        handles.append(layer.register_forward_pre_hook(measure))
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()
