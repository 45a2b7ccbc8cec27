"""Modes that networks are put into for a while."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def changed(objects: Iterable[object], **attributes: bool) -> Iterator[None]:
    """Set attributes, and put back what each of the objects had."""
    before = [
        (changed, {name: getattr(changed, name) for name in attributes})
        for changed in objects
    ]
    try:
        for changed, _ in before:
            for name, value in attributes.items():
                setattr(changed, name, value)
        yield
    finally:
        for changed, values in before:
            for name, value in values.items():
                setattr(changed, name, value)


def evaluating(modules: Iterable[nn.Module]) -> AbstractContextManager[None]:
    """Put modules, not their children, into evaluation mode and back."""
    return changed(modules, training=False)


def batch_statistics(network: nn.Module) -> AbstractContextManager[None]:
    """Normalise by the batch at hand; running statistics stay unchanged."""
    layers = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    return changed(layers, training=True, track_running_stats=False)


def frozen(network: nn.Module) -> AbstractContextManager[None]:
    """Let gradients pass through a network without reaching its weights."""
    return changed(network.parameters(), requires_grad=False)
