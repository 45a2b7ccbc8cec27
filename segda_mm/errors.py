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


class PreflightError(RuntimeError):
    """A job cannot start; the message tells the user what is missing.

    Raised before the first step. Command lines print the message without
    a traceback and end with exit code 2.
    """


class TrainingStoppedError(RuntimeError):
    """A training that had begun cannot go on; the message tells the way on.

    Checkpoints written before are whole. Command lines print the message without
    a traceback and end with exit code 1.
    """


class DemoError(RuntimeError):
    """A step of the demo failed; the message says which and shows its log."""


class PlanError(ValueError):
    """A plan is wrong or was changed; the message names the key and the remedy."""


class FileNotWrittenError(OSError):
    """A file could not be written; what was there before is untouched.

    Args:
        file: The file.
        reason: What the system says, as ``No space left on device``.
    """

    def __init__(self, file: str | os.PathLike, reason: str) -> None:
        self.file = os.fspath(file)
        self.reason = reason
        super().__init__(
            f'{self.file} was not written: {reason}. What stood there before, and '
            'every other file, is as it was. Make room on the disk (or see to what '
            'the reason says), and start the same command again'
        )

    def __reduce__(self) -> tuple:
        # Between processes, an OSError would travel as its message alone.
        return type(self), (self.file, self.reason)


class FolderInUseError(RuntimeError):
    """Another run writes to a folder."""


class NonFiniteLossError(RuntimeError):
    """A loss or a weight is NaN or infinite; going on would train on noise."""


class OtherLabelsError(ValueError):
    """A folder holds labels that those to come must not be mixed with."""
