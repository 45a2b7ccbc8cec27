"""What can be told only once model and data loaders are built: steps are tried."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sized
from typing import Any, cast

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils.data import DataLoader

from segda_mm.datasets.annotation_files import require_annotations
from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.image_pass import require_equal_sizes
from segda_mm.engine.trial import taken_back
from segda_mm.errors import PreflightError

from ..schedules import ends_at_zero, is_last, schedulers_of
from .config_errors import step_errors
from .models import (
    require_channels,
    require_color_transforms,
    require_sound_model,
)

_VOID = 255


class FirstBatchCheck(Hook):
    """Refuse a training whose first steps would fail or teach nonsense.

    Classes, the first samples and the size of every batch must suit the model; a
    training and a validation step on them are tried, and taken back. Attribute
    ``passed`` tells whether training has begun.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.passed = False

    def before_train(self, runner: Runner) -> None:
        """Raise PreflightError, naming the config key or the file, and the remedy."""
        model = unwrapped(runner.model)
        loader = runner.train_dataloader
        loops = [('train_dataloader.dataset', loader.dataset)]
        metrics = []
        if runner.val_loop is not None:
            loops.append(('val_dataloader.dataset', runner.val_dataloader.dataset))
            metrics = runner.val_loop.evaluator.metrics
        require_sound_model(model, metrics)
        for key, dataset in loops:
            require_annotations(dataset, key)
            require_color_transforms(dataset, key)
        num_classes = getattr(model, 'num_classes', None)
        classes = getattr(loader.dataset, 'metainfo', {}).get('classes')
        if num_classes and classes and len(classes) != num_classes:
            raise PreflightError(
                f'train_dataloader.dataset has {len(classes)} classes '
                f'({", ".join(classes[:3])}, ...), but the model tells {num_classes} '
                'apart; set num_classes of its decode_head and auxiliary_head to '
                f'{len(classes)}, or choose train_dataloader.dataset.metainfo'
            )
        _check_schedules(runner)
        model.train()
        with taken_back(model, runner.optim_wrapper):
            _try_training_step(runner, model, num_classes)
            if runner.val_loop is not None:
                _try_validation_step(runner, model)
        self.passed = True


def _check_schedules(runner: Runner) -> None:
    steps = len(runner.train_dataloader)
    for key, part in schedulers_of(runner.cfg):
        if (
            not part.get('end')
            or not ends_at_zero(part)
            or not is_last(runner.cfg, key)
        ):
            continue
        by_epoch = part.get('by_epoch', True)
        whole = runner.max_epochs if by_epoch else runner.max_iters
        # Less than an epoch is a matter of rounding.
        if whole and whole - part['end'] >= (1 if by_epoch else steps):
            unit = 'epochs' if by_epoch else 'steps'
            raise PreflightError(
                f'{key} reaches a rate of 0 after {part["end"]} {unit}, but the '
                f'training has {whole}; set {key}.end={whole + by_epoch}, or train '
                'shorter'
            )


def _try_training_step(runner: Runner, model: Any, num_classes: int | None) -> None:
    loader = runner.train_dataloader
    count = min(loader.batch_size or 1, len(loader.dataset))
    with step_errors(runner.cfg, 'the first batch of train_dataloader'):
        samples = [loader.dataset[index] for index in range(count)]
    if num_classes is not None:
        _check_labels(num_classes, samples[0])
    for part in _parts(samples[0]):
        file = part['data_samples'].metainfo.get('img_path', 'the first image')
        require_channels(model, part['inputs'], file)
    sizes = _sizes(samples)
    _check_batch_sizes(model, loader, copy.deepcopy(samples[0]))
    with step_errors(runner.cfg, f'a training step on {sizes}', model):
        model.train_step(loader.collate_fn(samples), runner.optim_wrapper)


@torch.no_grad()
def _try_validation_step(runner: Runner, model: Any) -> None:
    loop = runner.val_loop
    require_batches(runner.cfg, 'val_dataloader', loop.dataloader)
    loader, evaluator = loop.dataloader, getattr(loop, 'evaluator', None)
    with step_errors(runner.cfg, 'the first batch of val_dataloader'):
        count = min(loader.batch_size or 1, len(loader.dataset))
        samples = [loader.dataset[index] for index in range(count)]
    sizes = _sizes(samples)
    model.eval()
    with step_errors(runner.cfg, f'a validation step on {sizes}', model):
        batch = loader.collate_fn(samples)
        outputs = model.val_step(batch)
        if isinstance(evaluator, Evaluator):
            _try_metrics(evaluator, batch, outputs)


def _try_metrics(evaluator: Evaluator, batch: Any, outputs: Any) -> None:
    """Judge a batch with copies of the metrics that write no files."""
    if all(isinstance(output, BaseDataElement) for output in outputs):
        trial = copy.copy(evaluator)
        trial.metrics = [
            copy.deepcopy(metric)
            for metric in evaluator.metrics
            if not getattr(metric, 'output_dir', None)
            and not hasattr(metric, '__del__')
        ]
        trial.process(outputs, batch)


def require_batches(cfg: Config, key: str, loader: DataLoader) -> None:
    """Raise PreflightError unless the images of every batch can be stacked."""
    with step_errors(cfg, key):
        require_equal_sizes(loader, key)


def _sizes(samples: list) -> str:
    """How many images of which sizes samples hold, in words."""
    found = [part['inputs'].shape[-2:] for s in samples for part in _parts(s)]
    sizes = dict.fromkeys(f'{width}x{height}' for height, width in found)
    return f'{len(found)} images of {" and ".join(sizes)}' if found else 'a batch'


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
                'train_dataloader.dataset.pipeline, or correct num_classes'
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


def _layer_without_variance(model: Any, loader: DataLoader, sample: Any) -> str | None:
    """Name of a BatchNorm layer that gets one value a channel from one image.

    The forward pass runs on tensors without content. A model that cannot do so passes.
    """
    names = {layer: name for name, layer in model.named_modules()}
    starved: list[str] = []

    def look(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        is_normalized = isinstance(layer, _BatchNorm) and layer.training
        if is_normalized and inputs[0].numel() == inputs[0].shape[1]:
            starved.append(names[layer])

    state = [*model.named_parameters(), *model.named_buffers()]
    empty = {name: torch.empty_like(value, device='meta') for name, value in state}
    handle = register_module_forward_pre_hook(look)
    try:
        batch = model.data_preprocessor(loader.collate_fn([sample]), True)
        with torch.no_grad():
            for part in _parts(batch):
                image = torch.empty_like(part['inputs'], device='meta')
                functional_call(model, empty, (image,), dict(mode='tensor'))
    except (ValueError, RuntimeError, TypeError, AttributeError, KeyError):
        pass
    finally:
        handle.remove()
    return starved[0] if starved else None


def _parts(node: object) -> Iterator[dict]:
    """The parts of a nested sample or batch that have images as ``inputs``."""
    if isinstance(node, dict):
        if isinstance(node.get('inputs'), Tensor):
            yield node
        else:
            for child in node.values():
                yield from _parts(child)
