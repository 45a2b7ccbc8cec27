"""What is wrong with a config, told with its key and without a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner

from segda_mm.errors import DataError, PreflightError

from .config import children

#: MMEngine's functions that build an entry of a config, and the argument it is.
_BUILDERS = {
    Registry.build.__code__: 'cfg',
    Runner.build_dataloader.__code__: 'dataloader',
    Runner.build_optim_wrapper.__code__: 'optim_wrapper',
}

_REGISTRIES = [v for v in vars(mmseg.registry).values() if isinstance(v, Registry)]


@contextmanager
def config_errors(cfg: Config, where: str = '') -> Iterator[None]:
    """Raise what is wrong with a config, or a file it names, as a sentence.

    To be put around what builds the entries of a config. A ValueError or a
    FileNotFoundError speaks for itself; another error that arose while an entry
    was built is told with the key of the entry. Errors of anything else are those
    of a program, and pass.

    Args:
        cfg: The whole config.
        where: The key of what is built; it begins the message.

    Raises:
        PreflightError: In place of these errors.
    """
    at = f'{where}: ' if where else ''
    try:
        yield
    except DataError as error:
        raise PreflightError(at + message_of(error)) from error
    except (ValueError, FileNotFoundError) as error:
        raise PreflightError(f'{at}{error}') from error
    except (AssertionError, AttributeError, KeyError, TypeError) as error:
        # MMEngine raises an error of a hook anew, without where it came from.
        cause: BaseException | None = error
        while cause is not None and not _entries_being_built(cause):
            cause = cause.__context__
        if cause is None:
            raise
        key, node = _key_of(_entries_being_built(cause), cfg.to_dict())
        text = str(cause.args[0]) if cause.args else 'no reason given'
        unknown = [name for name in _unknown_types(node) if key and name not in text]
        hint = f'. There is no type {" or ".join(unknown)}' if unknown else ''
        raise PreflightError(
            f'{key or where or cfg.filename or "the config"} cannot be built: '
            f'{type(cause).__name__}: {text}{hint}'
        ) from error


def message_of(error: DataError) -> str:
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
