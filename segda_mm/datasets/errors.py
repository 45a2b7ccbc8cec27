"""Errors about data files: each names the file and the remedy."""

from __future__ import annotations

import os


class DataError(ValueError):
    """A file of a data set is wrong.

    Args:
        what: What is wrong. Alone, it is taken as the whole message.
        file: The file (or folder) that is wrong.
        remedy: What the user can do about it.
        name: The name of the sample in subset and exclusion lists, when one
            sample is concerned.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | os.PathLike = '',
        remedy: str = '',
        name: str = '',
    ) -> None:
        self.what = what
        self.file = os.fspath(file)
        self.remedy = remedy
        self.name = name
        message = f'{self.file}: {what}' if self.file else what
        super().__init__(f'{message}. {remedy}' if remedy else message)


class MissingDataError(FileNotFoundError):
    """A folder of a data set does not exist, or holds none of its files.

    Args:
        what: What is wrong. Alone, it is taken as the whole message.
        folder: The folder that was looked for.
        expected: What belongs there.
    """

    def __init__(
        self, what: str, *, folder: str | os.PathLike = '', expected: str = ''
    ) -> None:
        self.what = what
        self.folder = os.fspath(folder)
        self.expected = expected
        message = f'{self.folder}: {what}' if self.folder else what
        super().__init__(
            f'{message}. Expected there: {expected}' if expected else message
        )
