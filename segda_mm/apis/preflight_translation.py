"""Errors of what a config or a data set describes, as errors of a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from segda_mm.errors import PreflightError


@contextmanager
def as_preflight_error(where: str = '') -> Iterator[None]:
    """Raise what the user can do something about as :class:`PreflightError`.

    To be put around what builds data sets, models and optimizers: whose errors
    are ours, and name the config key or the file; those of MMEngine about a
    ``type`` that nobody registered; and those of Python about arguments that a
    config gives too many or too few of. Others are errors of a program and
    pass.

    Args:
        where: The config key of what is built; it begins the message.
    """
    at = f'{where}: ' if where else ''
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise PreflightError(at + plain_text(error)) from error
    except KeyError as error:
        if 'registry' not in str(error):
            raise
        raise PreflightError(f'{at}a `type` of the config: {error.args[0]}') from error
    except TypeError as error:
        if 'argument' not in str(error):
            raise
        raise PreflightError(
            f'{at}the config gives an entry other keys than it takes: {error}'
        ) from error


def plain_text(error: Exception) -> str:
    """An error's message; of one in a data loader worker, without traceback."""
    text = str(error)
    if 'Original Traceback' in text:
        return text.rpartition(f'{type(error).__name__}: ')[2].strip()
    return text
