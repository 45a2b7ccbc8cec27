"""The error of a job that cannot start."""


class PreflightError(RuntimeError):
    """A job cannot start; the message tells the user what is missing.

    Raised before any model is built. Command lines print the message without
    a traceback and end with exit code 2.
    """
