"""Which config keys the components of MMEngine's registries read."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache

import mmengine.registry
from mmengine.registry import Registry
from mmseg.utils import register_all_modules

import segda_mm.registry

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def find_components(name: str) -> list[Callable]:
    """What a ``type`` of a config may stand for.

    Several registries can know a name; which of them is asked depends on where
    in the config it stands. Those of MMSegmentation and MMEngine go first.

    Args:
        name: As in a config, with or without a scope in front.
    """
    scope, _, bare = name.rpartition('.')
    ours, others = [], []
    for registry in _registries():
        component = registry.module_dict.get(bare)
        if component is None or (scope and registry.scope != scope):
            continue
        known = scope or registry.scope in ('mmseg', 'mmengine')
        (ours if known else others).append(component)
    return ours or others


def component_names() -> set[str]:
    """All names that a ``type`` may have, without scopes."""
    return {name for registry in _registries() for name in registry.module_dict}


def _registries() -> Iterator[Registry]:
    register_all_modules(init_default_scope=False)
    roots = [
        value
        for module in (mmengine.registry, segda_mm.registry)
        for value in vars(module).values()
        if isinstance(value, Registry)
    ]
    waiting, seen = roots, set()
    while waiting:
        registry = waiting.pop()
        if id(registry) not in seen:
            seen.add(id(registry))
            waiting += registry.children.values()
            yield registry


@cache
def arguments_of(component: Callable) -> frozenset[str] | None:
    """Names of the arguments that a class or function takes from a config.

    A ``**kwargs`` that a constructor hands to its parent's is followed there;
    one that it never touches takes nothing, although Python lets every name
    pass.

    Returns:
        The names, or None where they cannot be told.
    """
    if not inspect.isclass(component):
        return _own_arguments(component)[0]
    names: set[str] = set()
    for ancestor in component.__mro__:
        if '__init__' not in vars(ancestor):
            continue
        if ancestor is object:
            return frozenset(names)
        own, handed_on = _own_arguments(ancestor.__init__)
        if own is None:
            return None
        names |= own
        if not handed_on:
            return frozenset(names - {'self'})
    return None


def _own_arguments(function: Callable) -> tuple[frozenset[str] | None, bool]:
    """Names in a signature, and whether its ``**kwargs`` go to the parent."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None, False
    names = {p.name for p in parameters if p.kind in _NAMED}
    (rest,) = [p.name for p in parameters if p.kind is p.VAR_KEYWORD] or [None]
    if rest is None:
        return frozenset(names), False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None, False
    uses, explained, handed_on = 0, 0, False
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == rest:
            uses += 1
        elif _is_parents_init(node):
            passed = [k.value for k in node.keywords if k.arg is None]
            if any(isinstance(v, ast.Name) and v.id == rest for v in passed):
                explained += 1
                handed_on = True
        else:
            entry = _entry_read(node, rest)
            if entry is not None:
                explained += 1
                names.add(entry)
    return (frozenset(names) if uses == explained else None), handed_on


def _is_parents_init(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == '__init__'
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == 'super'
    )


def _entry_read(node: ast.AST, mapping: str) -> str | None:
    """The key in ``mapping.pop('key')``, ``.get`` and ``mapping['key']``."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ('pop', 'get', 'setdefault')
        and node.args
    ):
        holder, key = node.func.value, node.args[0]
    elif isinstance(node, ast.Subscript):
        holder, key = node.value, node.slice
    else:
        return None
    if not (isinstance(holder, ast.Name) and holder.id == mapping):
        return None
    return key.value if isinstance(key, ast.Constant) else None
