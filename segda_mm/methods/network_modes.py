"""Networks that are, for a while, in another mode than they were."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put modules, not their children, into evaluation mode and back."""
    was_training = {module: module.training for module in modules}
    for module in was_training:
        module.training = False
    try:
        yield
    finally:
        for module, training in was_training.items():
            module.training = training


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Normalise by the batch at hand; running statistics stay unchanged."""
    layers = {
        layer: (layer.training, layer.track_running_stats)
        for layer in network.modules()
        if isinstance(layer, _BatchNorm)
    }
    for layer in layers:
        layer.training, layer.track_running_stats = True, False
    try:
        yield
    finally:
        for layer, state in layers.items():
            layer.training, layer.track_running_stats = state
