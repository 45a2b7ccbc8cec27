"""What a file about own data may say, and whether it says so rightly."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config, ConfigDict

from segda_mm.errors import PreflightError

#: What a file of own data may say, beside any entry of a config.
SETTINGS = (
    'classes',
    'source',
    'target',
    'val',
    'size',
    'epochs',
    'network',
    'teacher_network',
    'init',
    'batch_size',
    'workers',
    'drawn',
)

#: Numbers of the recipes that are used up here.
NUMBERS = (
    'recipe',
    'learning_rates',
    'rate_factor',
    'scale_range',
    'tta_ratios',
)

_KEYS = dict(
    source=('images', 'labels', 'ids', 'void', 'read', 'classes', 'class_map', 'subset')
    + ('exclude',),
    target=('images', 'frames_per_second', 'frames_dir', 'subset', 'exclude'),
    init=('checkpoint', 'head', 'prefix', 'discriminator_prefix'),
)
_KEYS['val'] = _KEYS['source']

#: Recipes that need no source: from a trained network, with the target alone.
SOURCE_FREE = (
    *('batch_norm', 'tent', 'own_medians', 'mean_teacher', 'mic', 'naive_student'),
)


def require_known(cfg: Config) -> None:
    """Raise PreflightError for a name that is nearly one of a setting."""
    for name in cfg:
        near = difflib.get_close_matches(name, SETTINGS, 1, 0.8)
        if near and name not in (*SETTINGS, *NUMBERS):
            raise PreflightError(
                f'{cfg.filename}: nothing reads {name}; did you mean {near[0]}?'
            )


def complete(settings: ConfigDict, recipe: Mapping) -> None:
    """Give settings their full form, in place.

    Args:
        settings: All of them, None where the file says nothing.
        recipe: As it describes itself.

    Raises:
        PreflightError: Naming the setting that is missing or wrong.
    """
    if settings.source == 'minicity' and settings.classes is None:
        settings.classes = 'cityscapes'
    if isinstance(settings.init, str):
        settings.init = dict(checkpoint=settings.init)
    if isinstance(settings.init, dict):
        settings.init.pop('_delete_', None)
    if isinstance(settings.target, str | list | tuple):
        settings.target = dict(images=settings.target)
    wanted = dict(
        source="source = dict(images='my/images', labels='my/masks'), or 'minicity'; "
        "or init = dict(checkpoint='net.pth'), to go on from a trained network alone",
        classes='classes = dict(road=[128, 64, 128], ...)',
        target="target = dict(images=['my_target/', 'drive.mp4'])",
    )
    if recipe['name'] == 'source_only':
        del wanted['target']
    if settings.source is None and settings.init is not None:
        # The classes are those of the checkpoint.
        del wanted['source'], wanted['classes']
    for name, example in wanted.items():
        if settings.get(name) is None:
            raise PreflightError(f'the config lacks {name}; write {example}')
    for name, keys in _KEYS.items():
        entry = settings[name]
        if entry is None or (name == 'source' and entry == 'minicity'):
            continue
        needed = ('checkpoint',) if name == 'init' else ('images', 'labels')
        needed = ('images',) if name == 'target' else needed
        if not isinstance(entry, Mapping) or not set(needed) <= set(entry):
            raise PreflightError(
                f'{name} must be a dict with {" and ".join(needed)}, but is {entry!r}'
            )
        for unknown in set(entry) - set(keys):
            raise PreflightError(
                f'{name}.{unknown} is not known; {name} has {", ".join(keys)}'
            )
    if settings.source is None:
        _require_source_free(settings, recipe)
    # The plan of a self-training has no defaults of the following.
    size = settings.size
    if size is not None and not (_whole(size, 32) and len(size) == 2):
        raise PreflightError(
            f'size must be width and height in pixels, as (1024, 512), but is {size!r}'
        )
    for name, least in (('epochs', 1), ('batch_size', 1), ('workers', 0)):
        if settings[name] is not None and not _whole([settings[name]], least):
            raise PreflightError(
                f'{name} must be a whole number from {least} on, but is '
                f'{settings[name]!r}'
            )


def _require_source_free(settings: ConfigDict, recipe: Mapping) -> None:
    if not recipe.get('source_free'):
        raise PreflightError(
            f'there is no source, and the recipe {recipe["name"]} learns from one; '
            f'write source = ..., or name one of {", ".join(SOURCE_FREE)}, which need '
            "none, in _base_ = 'segda_mm::own/....py'"
        )
    if settings.init.get('head', 'load') == 'skip':
        raise PreflightError(
            "init.head='skip' starts heads afresh, and without a source nothing would "
            'teach them; leave it out, or write source = ...'
        )


def _whole(values: Any, least: int) -> bool:
    return isinstance(values, Sequence) and all(
        isinstance(value, int) and value >= least for value in values
    )
