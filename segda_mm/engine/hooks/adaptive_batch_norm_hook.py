"""Running statistics of the target for networks trained on the source."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.image_pass import build_image_loader, undisturbed
from segda_mm.ops.pooled_moments import moment_sums, pooled_moments
from segda_mm.registry import HOOKS

#: The checkpoint's entry for the statistics that training goes on with.
_ENTRY = 'training_batch_norm'


@HOOKS.register_module()
class AdaptiveBatchNormHook(Hook):
    """Give the deployed network the BatchNorm statistics of target images.

    AdaBN: Li et al., "Revisiting Batch Normalization For Practical Domain
    Adaptation", 2016. At the end of each epoch the running means and variances
    of the deployed segmentor are replaced by those of the target images, and its
    checkpoint and validation see a network that is adapted. No weight changes.

    Training does not see it: before the next epoch the statistics are what
    training left, which checkpoints hold beside the adapted ones, in
    ``training_batch_norm``. The weights are those of a training without the hook,
    bit for bit, also where running statistics take part in it, as in the student's
    report of Meta Pseudo Labels, in a teacher that labels in evaluation mode or
    with ``norm_eval=True``; and a resumed training equals an uninterrupted one.

    The images pass through the network once. Meanwhile each layer normalises a
    batch by the batch's own statistics, so that the layers above see what they
    will see later: let batches be as large as in training. A layer's mean is
    exact over all values it saw in all batches; its variance follows from those
    of the batches by the law of total variance, divided by n - 1. In several
    processes it is the same over the batches of all. Layers that take no part in
    predictions, as those of auxiliary heads, keep theirs.

    Args:
        dataloader: Config of a data loader over the target images, as
            ``UnlabeledImageDataset`` with the pipeline of the evaluation. Its
            sampler is set by the hook.

    Raises:
        ValueError: Before training: the deployed network has no BatchNorm with
            running statistics, training is not by epoch, or something else of
            the config would go past the adapted statistics.
    """

    # Before all that saves, validates or labels.
    priority = 'HIGHEST'

    def __init__(self, dataloader: dict) -> None:
        self._dataloader_cfg = dataloader
        self._dataloader: DataLoader | None = None
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
            for buffer in ('running_mean', 'running_var')
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
                mean, variance = pooled_moments(part)
                layer.running_mean.copy_(mean)
                layer.running_var.copy_(variance)

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
    name = AdaptiveBatchNormHook.__name__
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        raise ValueError(
            f'{name} adapts at the end of epochs, but train_cfg.type is '
            f'{type(runner.train_loop).__name__!r}; use '
            "train_cfg.type='ResumableEpochTrainLoop'"
        )
    if runner.cfg.get('efficient_conv_bn_eval'):
        raise ValueError(
            f'{name} listens to BatchNorm layers, past which networks go with '
            'efficient_conv_bn_eval of the config; take it out'
        )
    network = unwrapped(runner.model)
    if not _deployed_layers(network):
        raise ValueError(
            f'{name} replaces running statistics of BatchNorm, but the deployed '
            f'network of model.type={type(network).__name__!r} has no such layer; '
            "use norm_cfg=dict(type='BN') in its backbone and heads, or take the "
            'hook out of custom_hooks'
        )
    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            raise ValueError(
                f'{name} adapts the network that is trained, but EMAHook deploys '
                'another one, its average; take one of the two out of '
                'custom_hooks'
            )
        if isinstance(hook, CheckpointHook) and not hook.by_epoch:
            runner.logger.warning(
                f'{name} adapts at the end of epochs, but '
                'default_hooks.checkpoint.by_epoch is False: checkpoints '
                'iter_*.pth are written before and hold the statistics of '
                'training, that of the last iteration included'
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
    """Let layers in evaluation mode normalise by, and sum up, their batches.

    Not training mode: it would want several values a channel, and layers that
    share their batches with other processes would wait for those.

    Args:
        layers: Their running statistics are those of the last batch in the end.

    Yields:
        Sums of moments, one tensor a layer; see :func:`moment_sums`.
    """
    sums, handles = [], []
    for layer in layers:
        total = layer.running_mean.new_zeros(
            2 * layer.num_features + 1, dtype=torch.float64
        )

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
