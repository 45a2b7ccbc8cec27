"""What can be told only once model and data loader are built."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any, cast

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.module import register_module_forward_pre_hook
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
            PreflightError: Naming the config key or the file, and the remedy.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        loader = runner.train_dataloader
        num_classes = getattr(model, 'num_classes', None)
        if num_classes is not None:
            _check_number_of_classes(num_classes, loader)
        sample = loader.dataset[0]
        if num_classes is not None:
            _check_labels(num_classes, sample)
        model.train()
        _check_batch_sizes(model, loader, sample)
        self.passed = True


def _check_number_of_classes(in_model: int, loader: DataLoader) -> None:
    classes = getattr(loader.dataset, 'metainfo', {}).get('classes')
    if classes and len(classes) != in_model:
        raise PreflightError(
            f'train_dataloader.dataset has {len(classes)} classes '
            f'({", ".join(classes[:3])}, ...), but the model tells {in_model} apart; '
            'set num_classes of its decode_head and auxiliary_head to '
            f'{len(classes)}, or choose the classes with '
            'train_dataloader.dataset.metainfo'
        )


def _check_labels(in_model: int, sample: Any) -> None:
    for part in _parts(sample):
        data_sample = part.get('data_samples', ())
        if 'gt_sem_seg' not in data_sample:
            continue
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


def _check_batch_sizes(model: nn.Module, loader: DataLoader, sample: Any) -> None:
    size = loader.batch_size
    if size is None:
        return
    num_images = len(cast(Sized, loader.sampler))
    if size == 1:
        given = 'train_dataloader.batch_size is 1'
        remedy = 'set train_dataloader.batch_size to 2 or more'
    elif num_images % size == 1 and not loader.drop_last:
        given = (
            f'the last batch of an epoch has 1 image ({num_images} images in '
            f'batches of {size})'
        )
        remedy = 'set train_dataloader.drop_last=True, or another batch_size'
    else:
        return
    layer = _layer_without_variance(model, loader, sample)
    if layer is not None:
        raise PreflightError(
            f'{given}, but BatchNorm cannot train on one value, and {layer} of the '
            f'model sees one value of each channel in an image; {remedy}'
        )


class _StarvedLayerError(Exception):
    """A BatchNorm layer gets one value a channel."""


def _layer_without_variance(model: Any, loader: DataLoader, sample: Any) -> str | None:
    """Name of a BatchNorm layer that gets one value a channel from one image.

    The forward pass runs on tensors without content: it costs nothing and
    leaves running statistics alone. A model that cannot do so passes.
    """
    names = {layer: name for name, layer in model.named_modules()}

    def look(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        is_normalized = isinstance(layer, _BatchNorm) and layer.training
        if is_normalized and inputs[0].numel() == inputs[0].shape[1]:
            raise _StarvedLayerError(names[layer])

    state = [*model.named_parameters(), *model.named_buffers()]
    empty = {name: torch.empty_like(value, device='meta') for name, value in state}
    handle = register_module_forward_pre_hook(look)
    try:
        batch = model.data_preprocessor(loader.collate_fn([sample]), True)
        with torch.no_grad():
            for part in _parts(batch):
                image = torch.empty_like(part['inputs'], device='meta')
                functional_call(model, empty, (image,), dict(mode='tensor'))
    except _StarvedLayerError as error:
        return str(error)
    except (ValueError, RuntimeError, TypeError, AttributeError, KeyError):
        # Without content, not every model can run; training itself will tell.
        pass
    finally:
        handle.remove()
    return None


def _parts(node: object) -> Iterator[dict]:
    """The parts of a nested sample or batch that have images as ``inputs``."""
    if isinstance(node, dict):
        if isinstance(node.get('inputs'), Tensor):
            yield node
        else:
            for child in node.values():
                yield from _parts(child)
