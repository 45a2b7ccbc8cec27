"""One optimizer wrapper for each named child network of a model."""

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapperDict
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
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        if paramwise_cfg is not None:
            raise ValueError(
                'optim_wrapper.paramwise_cfg has no network to apply to; move '
                'it to optim_wrapper.<child>.paramwise_cfg'
            )
        self._child_cfgs = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build one optimizer wrapper for each name.

        Raises:
            ValueError: A name is no trained child, or a trained child has no name.
        """
        model = unwrapped(model)
        # With duplicates: children may share weights.
        named = model.named_parameters(remove_duplicate=False)
        trainable = list(
            dict.fromkeys(name.split('.')[0] for name, p in named if p.requires_grad)
        )
        children = dict(model.named_children())
        for name in self._child_cfgs:
            if name not in children or name not in trainable:
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
        if forgotten:
            raise ValueError(
                f'no optimizer for {", ".join(forgotten)} of '
                f'{type(model).__name__}: add optim_wrapper.{forgotten[0]}='
                'dict(optimizer=...), or freeze it'
            )
        wrappers = {}
        for name, child_cfg in self._child_cfgs.items():
            child_cfg = dict(child_cfg)
            paramwise_cfg = child_cfg.pop('paramwise_cfg', None)
            constructor = DefaultOptimWrapperConstructor(child_cfg, paramwise_cfg)
            wrappers[name] = constructor(children[name])
        return OptimWrapperDict(**wrappers)
