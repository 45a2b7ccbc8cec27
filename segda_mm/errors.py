"""Errors that tell the user the file or the config key, and the remedy."""

from __future__ import annotations

import os


class DataError(ValueError):
    """A file of a data set is wrong.

    Args:
        what: What is wrong. Alone, it is the whole message.
        file: The file or folder that is wrong.
        remedy: What the user can do about it.
        name: The name in subset and exclusion lists, where one sample is wrong.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | os.PathLike = '',
        remedy: str = '',
        name: str = '',
    ) -> None:
        self.what, self.file = what, os.fspath(file)
        self.remedy, self.name = remedy, name
        message = f'{self.file}: {what}' if self.file else what
        super().__init__(f'{message}. {remedy}' if remedy else message)


class MissingDataError(FileNotFoundError):
    """A folder of a data set does not exist, or holds none of its files.

    Args:
        what: What is wrong. Alone, it is the whole message.
        folder: The folder that was looked for.
        expected: What belongs there.
    """

    def __init__(
        self, what: str, *, folder: str | os.PathLike = '', expected: str = ''
    ) -> None:
        self.what, self.folder, self.expected = what, os.fspath(folder), expected
        message = f'{self.folder}: {what}' if self.folder else what
        super().__init__(
            f'{message}. Expected there: {expected}' if expected else message
        )


class PreflightError(RuntimeError):
    """A job cannot start. Command lines tell the message, and end with code 2."""


class TrainingStoppedError(RuntimeError):
    """A training that had begun cannot go on; its checkpoints are whole.

    Command lines tell the message, and end with code 1.
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
        self.file, self.reason = os.fspath(file), reason
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
