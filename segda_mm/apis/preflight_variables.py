"""Names at the top of config files which nothing reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

# MMEngine's older way to name a variable of a base config within a string.
_TEMPLATE = re.compile(r'\{\{\s*_base_\.(\w+)')


class UnreadName(NamedTuple):
    """A variable of a config file without a reader.

    ``offered``: it stands in a base config, whose other heirs may use it, or in
    one without bases. Such is also a config that was written from memory, as
    into a work directory: it has all variables and no place that uses them.
    """

    file: Path
    name: str
    offered: bool


def unread_names(file: str | Path, known: Container[str]) -> list[UnreadName]:
    """Find variables that a config and its bases set for nobody.

    Every file is evaluated by itself: a name that a config sets again does not
    reach the places where its base has used it.

    Args:
        file: A config file; of others than Python files nothing is said.
        known: Names that whoever takes the config reads.

    Returns:
        Those that neither the file itself uses nor a config that inherits
        from it, as ``_base_.name``. Names that begin with an underscore are
        the author's own.
    """
    return list(_unread_in(Path(file), known, frozenset(), False))


def _unread_in(
    file: Path,
    known: Container[str],
    used_by_heirs: frozenset[str],
    is_base: bool,
) -> Iterator[UnreadName]:
    if file.suffix != '.py' or not file.is_file():
        return
    text = file.read_text(encoding='utf-8')
    tree = ast.parse(text)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if any(node.id == 'read_base' for node in names):
        # Bases that are imported: their variables are Python's own.
        return
    used = {node.id for node in names if not isinstance(node.ctx, ast.Store)}
    bases = _bases(tree)
    offered = is_base or not bases
    for name in dict.fromkeys(_assigned(tree)):
        if name not in used | used_by_heirs and name not in known and name[0] != '_':
            yield UnreadName(file, name, offered)
    used_by_heirs |= set(_TEMPLATE.findall(text)) | set(_taken_from_base(tree))
    for base in bases:
        yield from _unread_in(file.parent / base, known, used_by_heirs, True)


def _assigned(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


def _taken_from_base(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            holder, name = node.value, node.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            holder, name = node.value, node.slice.value
        else:
            continue
        if isinstance(holder, ast.Name) and holder.id == '_base_':
            yield name


def _bases(tree: ast.Module) -> list[str]:
    for statement in tree.body:
        if (
            isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id == '_base_'
        ):
            try:
                bases = ast.literal_eval(statement.value)
            except ValueError:
                # Put together by an expression: nothing can be said.
                return []
            return [bases] if isinstance(bases, str) else list(bases)
    return []
