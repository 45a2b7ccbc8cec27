"""The command ``segda``.

A file of :mod:`segda_cli.commands` is a sub-command of its name: its docstring is the
help, ``add_arguments(parser)`` takes an argparse parser, ``job(args)`` does the work
and may return another exit status than 0. Errors that mean that the job cannot start,
besides the package's, stand in ``REFUSED``; ``NEEDS_LIBRARIES = False`` lets it run
where libraries are missing. Imports of anything but the standard library belong into
``job``, so that ``--help`` does not wait for them. Adding the file is all.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType

from segda_cli import arguments, commands

#: What a newcomer meets first comes first; others follow by name.
ORDER = ('demo', 'init', 'check', 'adapt', 'train', 'test', 'predict', 'label')


def names() -> list[str]:
    """The sub-commands as they are typed."""
    found = [
        info.name.replace('_', '-') for info in pkgutil.iter_modules(commands.__path__)
    ]
    first = [name for name in ORDER if name in found]
    return [*first, *sorted(set(found) - set(first))]


def command(name: str) -> ModuleType:
    """The module of a sub-command."""
    return importlib.import_module(f'segda_cli.commands.{name.replace("-", "_")}')


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a sub-command."""
    module = command(name)
    parser = arguments.make_parser(module.__doc__)
    parser.prog = f'segda {name}'
    module.add_arguments(parser)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words of a command line say, and return the exit status.

    Args:
        words: What follows ``segda``; by default those of this process.
    """
    words = list(sys.argv[1:] if words is None else words)
    known = names()
    if words and words[0] in known:
        module = command(words[0])
        args = parser_of(words[0]).parse_args(words[1:])
        return arguments.run(
            args,
            module.job,
            getattr(module, 'REFUSED', ()),
            program=f'segda {words[0]}',
            needs_libraries=getattr(module, 'NEEDS_LIBRARIES', True),
        )
    summaries = [
        f'  {name:<12}{(command(name).__doc__ or "").partition(chr(10))[0]}'
        for name in known
    ]
    parser = arguments.make_parser(
        'Segmentation of streets that nobody labelled: domain adaptation and '
        'self-training.\n\n' + '\n'.join(summaries)
    )
    parser.prog = 'segda'
    parser.add_argument('--version', action='version', version=_version())
    parser.add_argument(
        'command', metavar='COMMAND', help='`segda COMMAND --help` tells more'
    )
    parser.add_argument('words', nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    if not words:
        parser.print_help()
        return 0
    asked = parser.parse_args(words).command
    near = difflib.get_close_matches(asked, known, n=1)
    hint = (
        f'; did you mean `segda {near[0]}`?'
        if near
        else f'; there are {", ".join(known)}'
    )
    parser.error(f'there is no command {asked}{hint}')


def _version() -> str:
    try:
        return f'segda-mm {metadata.version("segda-mm")}'
    except metadata.PackageNotFoundError:
        return 'segda-mm, not installed'
