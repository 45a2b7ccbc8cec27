"""One optimizer wrapper for each named child network of a model."""

from mmengine.optim import (
    DefaultOptimWrapperConstructor,
    OptimWrapper,
    OptimWrapperDict,
)
from torch import nn

from segda_mm.engine.distributed import unwrapped
from segda_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class ChildOptimWrapperConstructor:
    """Build an ``OptimWrapperDict`` whose keys are child modules' names.

    Config::

        optim_wrapper = dict(
            constructor='ChildOptimWrapperConstructor',
            generator=dict(optimizer=dict(type='SGD', lr=0.025)),
            discriminator=dict(optimizer=dict(type='Adam', lr=1e-4)))

    Every entry is what MMEngine's default constructor takes for a whole model,
    ``type``, ``clip_grad`` and ``paramwise_cfg`` included.

    Args:
        optim_wrapper_cfg: Name of a child to config of its wrapper.
        paramwise_cfg: Must be None; it belongs into a child's entry.

    Raises:
        ValueError: ``paramwise_cfg`` is given for all children at once.
        TypeError: An entry is no config with an ``optimizer``.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        if paramwise_cfg is not None:
            raise ValueError(
                'optim_wrapper.paramwise_cfg has no network to apply to; move '
                'it to optim_wrapper.<child>.paramwise_cfg'
            )
        for name, child_cfg in optim_wrapper_cfg.items():
            if not (isinstance(child_cfg, dict) and 'optimizer' in child_cfg):
                raise TypeError(
                    f'optim_wrapper.{name} must be a dict with the key '
                    f'`optimizer`, but is {child_cfg!r}; every key of '
                    'optim_wrapper but `constructor` names a child network'
                )
        self._child_cfgs = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the wrappers.

        Args:
            model: The model, possibly inside a model wrapper.

        Returns:
            One optimizer wrapper for each name.

        Raises:
            ValueError: A name is no child of the model, a child has nothing
                to train, or parameters that require gradients are left
                without an optimizer.
        """
        model = unwrapped(model)
        children = dict(model.named_children())
        trainable = {
            name: child for name, child in children.items() if _is_trainable(child)
        }
        for name in self._child_cfgs:
            if name not in trainable:
                fault = (
                    'has no parameter that requires gradients'
                    if name in children
                    else 'is no child network'
                )
                raise ValueError(
                    f'optim_wrapper.{name}: {name} {fault} of '
                    f'{type(model).__name__}; those to train are '
                    f'{", ".join(trainable) or "none"}'
                )
        forgotten = [name for name in trainable if name not in self._child_cfgs]
        forgotten += [
            name
            for name, parameter in model.named_parameters(recurse=False)
            if parameter.requires_grad
        ]
        if forgotten:
            raise ValueError(
                f'no optimizer for {", ".join(forgotten)} of '
                f'{type(model).__name__}: add optim_wrapper.{forgotten[0]}='
                'dict(optimizer=...), or freeze it'
            )
        return OptimWrapperDict(
            **{
                name: self._build(children[name], child_cfg)
                for name, child_cfg in self._child_cfgs.items()
            }
        )

    @staticmethod
    def _build(child: nn.Module, child_cfg: dict) -> OptimWrapper:
        child_cfg = dict(child_cfg)
        paramwise_cfg = child_cfg.pop('paramwise_cfg', None)
        constructor = DefaultOptimWrapperConstructor(child_cfg, paramwise_cfg)
        return constructor(child)


def _is_trainable(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
