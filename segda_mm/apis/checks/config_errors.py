"""What is wrong with a config, told with its key and without a traceback."""

from __future__ import annotations

import re
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mmseg.registry
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import Registry
from mmengine.runner import BaseLoop, Runner
from torch import nn

from segda_mm.errors import (
    DataError,
    FileNotWrittenError,
    FolderInUseError,
    MissingDataError,
    NonFiniteLossError,
    OtherLabelsError,
    PreflightError,
    TrainingStoppedError,
)

from ..config import children

#: MMEngine's functions that build an entry of a config, and the argument it is.
_BUILDERS = {
    Registry.build.__code__: 'cfg',
    Runner.build_dataloader.__code__: 'dataloader',
    Runner.build_optim_wrapper.__code__: 'optim_wrapper',
}

#: Errors that say all there is to say.
_SENTENCES = (
    FileNotWrittenError,
    FolderInUseError,
    NonFiniteLossError,
    OtherLabelsError,
    PreflightError,
    TrainingStoppedError,
)

#: What PyTorch and mmseg say, as patterns, and what the user can do about it.
_REMEDIES = {
    'out of memory': 'lower batch_size, or crop or resize the images to smaller ones',
    'more than 1 value per channel': 'set batch_size to 2 or more',
    r'to have \d+ channels?, but got': 'let in_channels (for a discriminator, '
    'num_classes) be the number of channels that come in',
    'only one of size and size_divisor': 'give it one of the two',
    r"^'inputs'$": 'batches of source and target need type DomainDataPreprocessor',
    'gt_edge_map': 'the head learns the edges of classes: set edge_width=4 of a '
    'generator, or else add GenerateEdge to the pipeline',
    'should be the same|expects each tensor to be equal size': 'crop or resize all '
    'images of the pipeline to one size, or set batch_size to 1',
    'Target 255 is out of bounds': 'take a loss that leaves void out by itself, as '
    'OhemCrossEntropy',
    r'too small|must match the size|[Ss]izes of tensors must match|Kernel size can'
    '|non-negative': 'take images whose sides suit the network, larger ones as a rule',
}

_REGISTRIES = [v for v in vars(mmseg.registry).values() if isinstance(v, Registry)]


@contextmanager
def config_errors(cfg: Config, where: str = '') -> Iterator[None]:
    """Raise what is wrong with a config, or a file it names, as a sentence.

    A ValueError or a FileNotFoundError speaks for itself; another error that arose
    while an entry was built is told with the key of the entry. Others pass.

    Args:
        cfg: The whole config.
        where: The key of what is built; it begins the message.

    Raises:
        PreflightError: In place of these errors.
    """
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        message = message_of(error) if isinstance(error, DataError) else str(error)
        raise PreflightError(f'{where}: {message}' if where else message) from error
    except (AssertionError, AttributeError, KeyError, TypeError) as error:
        # MMEngine raises an error of a hook anew, without where it came from.
        cause: BaseException | None = error
        while cause is not None and not _entries_being_built(cause):
            cause = cause.__context__
        if cause is None:
            raise
        key, node = _key_of(_entries_being_built(cause), cfg.to_dict())
        text = str(cause.args[0]) if cause.args else ''
        unknown = [name for name in _unknown_types(node) if key and name not in text]
        hint = f'. There is no type {" or ".join(unknown)}' if unknown else ''
        raise PreflightError(
            f'{key or where or cfg.filename or "the config"} cannot be built: '
            f'{type(cause).__name__}: {text}{hint}'
        ) from error


@contextmanager
def step_errors(cfg: Config, doing: str, model: nn.Module | None = None) -> Iterator:
    """Raise what goes wrong with images in a model as a sentence.

    Args:
        cfg: The whole config.
        doing: What is done, and with which images; it begins the message.
        model: What is run, to tell the part of it by its key.

    Raises:
        PreflightError: In place of any error but those that speak for themselves; it
            names the part of the config that the error comes from.
    """
    try:
        yield
    except _SENTENCES:
        raise
    except Exception as error:
        if isinstance(error, DataError | MissingDataError):
            raise PreflightError(message_of(error)) from error
        raise PreflightError(f'{doing}: {_told(error, cfg, model)}') from error


def _told(error: Exception, cfg: Config, model: nn.Module | None) -> str:
    """The part of the config that an error arose in, its words, and a remedy."""
    text = _first_words(message_of(error))
    key = _key_of_step(error, cfg, model)
    words = message_of(error)
    if not is_worded(error):
        remedies = [hint for pat, hint in _REMEDIES.items() if re.search(pat, text)]
        words = '; '.join([f'{type(error).__name__}: {text}', *remedies[:1]])
    return f'{key}: {words}' if key else words


def _first_words(text: str) -> str:
    """The first paragraph of a message, of which there may be pages."""
    lines = text.strip().partition('\n\n')[0].split()
    return textwrap.shorten(' '.join(lines), 400) or 'no reason is given'


def is_worded(error: Exception) -> bool:
    """Whether a line of this package raised an error, with a sentence to the user."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    own = str(frame.f_globals.get('__name__')).partition('.')[0] == 'segda_mm'
    return own and isinstance(error, ValueError | TypeError) and ' ' in str(error)


def _key_of_step(error: Exception, cfg: Config, model: nn.Module | None) -> str:
    """Key and type of the innermost part of a model or pipeline that was running."""
    names = (
        {} if model is None else {part: name for name, part in model.named_modules()}
    )
    root = cfg.to_dict()
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        running = frame.f_locals.get('self')
        kind = type(running).__name__
        if isinstance(running, nn.Module):
            if names.get(running):
                return _key_of_module(names[running], root['model'])
        elif isinstance(running, BaseLoop | Hook | Runner):
            break
        elif running is not None:
            for key in _places_of_type(kind, root, ''):
                return f'{key} ({kind})'
    return ''


def _key_of_module(name: str, node: Any) -> str:
    """Key and type of the entry of a model's config that a part of it comes from."""
    keys, kind = ['model'], node.get('type')
    for part in name.split('.'):
        known = dict(children(node))
        # A method makes several networks of one entry: student_generator, ...
        names = [part, part.partition('_')[2], int(part) if part.isdigit() else part]
        found = [n for n in names if n != '' and isinstance(known.get(n), dict | list)]
        if not found:
            # That around the views of test-time augmentation is no entry.
            if part == 'module':
                continue
            break
        node = known[found[0]]
        if part != 'module':
            keys.append(str(found[0]))
        kind = node.get('type', kind) if isinstance(node, dict) else kind
    return f'{".".join(keys)} ({kind})'


def _places_of_type(kind: str, node: Any, key: str) -> Iterator[str]:
    """Keys of the entries of a config that are of a type."""
    if key and isinstance(node, dict) and node.get('type') == kind:
        yield key
    for name, child in children(node):
        yield from _places_of_type(kind, child, f'{key}.{name}'.lstrip('.'))


def message_of(error: Exception) -> str:
    """An error's message; of one in a data loader's worker, without traceback."""
    return str(error).rpartition(f'{type(error).__name__}: ')[2].strip()


def _entries_being_built(error: BaseException) -> list[Any]:
    """The entries of a config that were built when an error arose, outermost first."""
    return [
        frame.f_locals[_BUILDERS[frame.f_code]]
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_code in _BUILDERS
    ]


def _key_of(entries: list[Any], root: dict) -> tuple[str, Any]:
    """Dotted key and content of the innermost of the entries that the config has."""
    for entry in reversed(entries):
        places = list(_places(entry, root, ''))
        if places:
            return max(places, key=lambda place: place[0])[1:]
    return '', root


def _places(entry: Any, node: Any, key: str) -> Iterator[tuple[int, str, dict]]:
    """Where an entry may stand below a node, and how many of its values do.

    On the way to its builder it may have got more values, or one of them another.
    """
    if key and isinstance(node, dict) and isinstance(entry, dict):
        equal = {name for name in node.keys() & entry if entry[name] == node[name]}
        other = node.keys() - equal
        if equal and other <= entry.keys() - {'type'} and len(other) <= 1:
            yield len(equal) - len(other), key, node
    for name, child in children(node):
        yield from _places(entry, child, f'{key}.{name}'.lstrip('.'))


def _unknown_types(node: Any) -> Iterator[str]:
    """Names of a ``type`` at or below an entry that no registry knows."""
    for name, child in children(node):
        if name != 'type' or not isinstance(child, str):
            yield from _unknown_types(child)
        elif not any(registry.get(child) for registry in _REGISTRIES):
            yield child
