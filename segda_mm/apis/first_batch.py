"""What can be told only once model and data loader are built."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from functools import partial
from typing import Any, cast

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from segda_mm.errors import PreflightError

_VOID = 255


class FirstBatchCheck(Hook):
    """Refuse a training whose first steps would fail or teach nonsense.

    The classes of model and data must be equally many, the first sample must
    load and have labels of these classes, and every batch must be large enough
    for BatchNorm. Attribute ``passed`` tells whether training has begun.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.passed = False

    def before_train(self, runner: Runner) -> None:
        """Run the checks.

        Raises:
            PreflightError: naming the config key or the file, and the remedy.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        loader = runner.train_dataloader
        _check_number_of_classes(model, loader)
        sample = loader.dataset[0]
        _check_labels(model, sample)
        model.train()
        _check_batch_sizes(model, loader, sample)
        self.passed = True


def _check_number_of_classes(model: nn.Module, loader: DataLoader) -> None:
    classes = getattr(loader.dataset, 'metainfo', {}).get('classes')
    in_model = getattr(model, 'num_classes', None)
    if classes and in_model is not None and len(classes) != in_model:
        raise PreflightError(
            f'train_dataloader.dataset has {len(classes)} classes '
            f'({", ".join(classes[:3])}, ...), but the model tells {in_model} apart; '
            'set num_classes of its decode_head and auxiliary_head to '
            f'{len(classes)}, or choose the classes with '
            'train_dataloader.dataset.metainfo'
        )


def _check_labels(model: nn.Module, sample: Any) -> None:
    in_model = getattr(model, 'num_classes', None)
    if in_model is None:
        return
    for data_sample in _data_samples(sample):
        labels = data_sample.gt_sem_seg.data
        wrong = labels[(labels != _VOID) & ((labels < 0) | (labels >= in_model))]
        if len(wrong):
            file = data_sample.metainfo.get('seg_map_path', 'the first sample')
            raise PreflightError(
                f'{file}: has labels {torch.unique(wrong).tolist()[:10]}, but the '
                f'model knows 0 to {in_model - 1}, and {_VOID} for void. Use '
                'LoadLabelIds(table={id in the file: class}) in '
                'train_dataloader.dataset.pipeline, or correct num_classes of the '
                'decode_head'
            )


def _check_batch_sizes(model: Any, loader: DataLoader, sample: Any) -> None:
    size = loader.batch_size
    if size is None:
        return
    num_images = len(cast(Sized, loader.sampler))
    left_over = 0 if loader.drop_last else num_images % size
    if 1 not in (size, left_over):
        return
    layer = _layer_without_variance(model, loader, sample)
    if layer is None:
        return
    if size == 1:
        given = 'train_dataloader.batch_size is 1'
        remedy = 'set train_dataloader.batch_size to 2 or more'
    else:
        given = (
            f'the last batch of an epoch has 1 image ({num_images} images in '
            f'batches of {size})'
        )
        remedy = 'set train_dataloader.drop_last=True, or another batch_size'
    raise PreflightError(
        f'{given}, but BatchNorm cannot train on one value, and {layer} of the model '
        f'sees one value of each channel in an image; {remedy}'
    )


def _layer_without_variance(model: Any, loader: DataLoader, sample: Any) -> str | None:
    """Name of a BatchNorm layer that gets one value a channel from one image.

    The forward pass runs on tensors without content: it costs nothing and
    leaves running statistics alone. A model that cannot do so passes.
    """
    starved: list[str] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], name: str) -> None:
        if layer.training and inputs[0].numel() == inputs[0].shape[1]:
            starved.append(name)

    handles = [
        layer.register_forward_pre_hook(partial(look, name=name))
        for name, layer in model.named_modules()
        if isinstance(layer, _BatchNorm)
    ]
    state = [*model.named_parameters(), *model.named_buffers()]
    empty = {name: torch.empty_like(value, device='meta') for name, value in state}
    try:
        batch = model.data_preprocessor(loader.collate_fn([sample]), True)
        with torch.no_grad():
            for inputs in _inputs(batch):
                image = torch.empty_like(inputs, device='meta')
                functional_call(model, empty, (image,), dict(mode='tensor'))
    except (ValueError, RuntimeError, TypeError, AttributeError, KeyError):
        # Without content, not every model can run; training itself will tell.
        pass
    finally:
        for handle in handles:
            handle.remove()
    return starved[0] if starved else None


def _inputs(node: object) -> Iterator[Tensor]:
    """The image batches, shape (N, 3, H, W), of a nested batch."""
    if isinstance(node, dict):
        if isinstance(node.get('inputs'), Tensor):
            yield node['inputs']
        else:
            for child in node.values():
                yield from _inputs(child)


def _data_samples(node: Any) -> Iterator[Any]:
    """The labelled samples of a nested sample."""
    if isinstance(node, dict):
        for child in node.values():
            yield from _data_samples(child)
    elif hasattr(node, 'metainfo') and 'gt_sem_seg' in node:
        yield node
