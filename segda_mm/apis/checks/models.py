"""What in a model contradicts itself, or does not suit the images it gets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.func import functional_call

from segda_mm.datasets.places import plain_sets
from segda_mm.errors import PreflightError
from segda_mm.methods.generator import has_plain_losses
from segda_mm.ops.panoptic_codes import VOID_CLASS

from ..deployed_model import deployed_network

#: Transforms of mmseg that take images of three channels, and may drop others.
_FOR_COLORS = ('PhotoMetricDistortion',)


def require_sound_model(model: nn.Module, evaluators: Iterable[Any] = ()) -> None:
    """Refuse heads, losses and metrics that would fail, or learn or measure nonsense.

    Args:
        model: A segmentor, a method, or one of them wrapped for views.
        evaluators: Metrics that judge it.

    Raises:
        PreflightError: Naming the config key and the remedy.
    """
    for name, head in model.named_modules():
        if isinstance(head, BaseDecodeHead):
            _require_sound_head(head, config_key(name))
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    padding = getattr(preprocessor, 'seg_pad_val', VOID_CLASS)
    if padding != VOID_CLASS and not 0 <= padding < getattr(model, 'num_classes', 256):
        raise PreflightError(
            f'model.data_preprocessor.seg_pad_val is {padding}, but void is '
            f'{VOID_CLASS} in all labels; leave it out'
        )
    for metric in evaluators:
        _require_void(metric, f'ignore_index of {type(metric).__name__}')


def config_key(module: str) -> str:
    """Key in the config of a module of a model, ``model.decode_head`` and the like."""
    name = re.sub(r'(^|\.)(student|teacher)_generator', r'\1generator', module)
    return f'model.{name.removeprefix("module.")}'


def _require_sound_head(head: BaseDecodeHead, key: str) -> None:
    plain = has_plain_losses(head)
    if plain and head.num_classes == 1:
        raise PreflightError(
            f'{key}.num_classes is 1, but with one class there is nothing to learn. '
            f'For a class against all else set {key}.num_classes=2, out_channels=1 and '
            'loss_decode.use_sigmoid=True, and give the data two classes, with 0 in '
            'the labels for all else and 1 for the class'
        )
    if head.ignore_index is not None:
        _require_void(head, f'{key}.ignore_index')
    if head.out_channels == 1 and not 0 < head.threshold < 1:
        raise PreflightError(f'{key}.threshold is {head.threshold}, but not in (0, 1)')
    losses = head.loss_decode
    single = not isinstance(losses, nn.ModuleList)
    for index, loss in enumerate([losses] if single else losses):
        loss_key = f'{key}.loss_decode' if single else f'{key}.loss_decode.{index}'
        weights = getattr(loss, 'class_weight', None)
        if weights is not None and len(weights) != head.out_channels:
            raise PreflightError(
                f'{loss_key}.class_weight has {len(weights)} entries, but the head has '
                f'{head.out_channels} output channel{"s"[: head.out_channels > 1]}; '
                'give one for each'
            )
        # Of Dice, it is the number of a class that does not count.
        if type(loss).__name__ != 'DiceLoss':
            for name in ('ignore_index', 'ignore_label'):
                _require_void(loss, f'{loss_key}.{name}', name)
        if plain and head.out_channels == 1:
            _require_binary_loss(loss, loss_key)


def _require_void(part: object, key: str, name: str = 'ignore_index') -> None:
    ignored = getattr(part, name, VOID_CLASS)
    if ignored != VOID_CLASS:
        raise PreflightError(
            f'{key} is {ignored}, but void is {VOID_CLASS} in all labels, pseudo '
            'labels and padding; leave it out, and map ids to void in the label table: '
            f'LoadLabelIds(table={{{ignored}: {VOID_CLASS}, ...}})'
        )


def _require_binary_loss(loss: nn.Module, key: str) -> None:
    """See that a loss of one channel is lower where the logit has the right sign."""
    labels = torch.tensor([[[0, 1], [0, 1]]])
    signs = labels[:, None] * 6.0 - 3
    try:
        right, wrong = (
            float(loss(logits, labels, weight=None, ignore_index=VOID_CLASS))
            for logits in (signs, -signs)
        )
        sound = right < wrong
    except (AssertionError, IndexError, RuntimeError, TypeError, ValueError):
        sound = False
    if not sound:
        raise PreflightError(
            f'{key} is a {type(loss).__name__} that does not tell two classes apart by '
            'one output channel; set use_sigmoid=True of a cross entropy, or leave out '
            'out_channels=1'
        )


def require_channels(
    model: Any, inputs: Tensor | Sequence[Tensor], origin: str
) -> None:
    """See that the first convolution of a model gets as many channels as it takes.

    Args:
        model: A segmentor or a method.
        inputs: An image (C, H, W) as the pipeline gives it, or its views.
        origin: Where it comes from, for the message.

    Raises:
        PreflightError: Naming the numbers of channels and the keys.
    """
    taken = channels_taken(model)
    if taken is None:
        return
    inner = getattr(model, 'module', model)
    given = len(inputs if isinstance(inputs, Tensor) else inputs[0])
    preprocessor: Any = inner.data_preprocessor
    normalizes = getattr(preprocessor, '_enable_normalize', False)
    means = len(preprocessor.mean) if normalizes else 1
    # They broadcast.
    made = max(given, means) if 1 in (given, means) else given
    fits = given == means or 1 in (given, means)
    if fits and (made == taken or _takes(deployed_network(inner).backbone, made)):
        return
    parts = [f'{origin} has {given} channel{"s"[: given > 1]}']
    if means > 1:
        parts.append(f'model.data_preprocessor has mean and std of {means}')
    raise PreflightError(
        f'{", ".join(parts)}, but the network takes {taken}. Let '
        'in_channels of the backbone, the number of values in mean and std (one for '
        'all, or one for each of three), and LoadImageFromFile(color_type=...) agree: '
        'color gives 3 channels, grayscale 1, unchanged those of the file'
    )


def channels_taken(model: Any) -> int | None:
    """Channels of the first convolution of a model's backbone; None without one."""
    network = deployed_network(getattr(model, 'module', model))
    backbone = getattr(network, 'backbone', nn.Identity())
    convolutions = (m for m in backbone.modules() if isinstance(m, nn.Conv2d))
    first = next(convolutions, None)
    return None if first is None else first.in_channels


def _takes(backbone: nn.Module, channels: int) -> bool:
    """Whether a backbone runs on so many channels; it may share them out itself."""
    state = [*backbone.named_parameters(), *backbone.named_buffers()]
    empty = {name: torch.empty_like(value, device='meta') for name, value in state}
    images = torch.empty(2, channels, 256, 256, device='meta')
    try:
        with torch.no_grad():
            functional_call(backbone, empty, (images,))
    except Exception:
        # Whatever it is, the images at hand will not do better.
        return False
    return True


def require_color_transforms(dataset: Any, key: str) -> None:
    """Refuse transforms for three channels where images have another number.

    Raises:
        PreflightError: Naming the data set and the transform.
    """
    for name, part in plain_sets(dataset, key):
        load, *others = getattr(getattr(part, 'pipeline', None), 'transforms', [None])
        kinds = [type(other).__name__ for other in others]
        wrong = [kind for kind in _FOR_COLORS if kind in kinds]
        if not wrong or not len(part):
            continue
        try:
            shape = load(part.get_data_info(0))['img'].shape
        except Exception:
            # The first sample tells.
            continue
        channels = shape[2] if len(shape) == 3 else 1
        if channels != 3:
            raise PreflightError(
                f'{name} has images of {channels} channel{"s"[: channels > 1]}, but '
                f'{wrong[0]} in its pipeline is for 3; take it out'
            )
