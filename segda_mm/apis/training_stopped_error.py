"""The error of a training that had to stop."""


class TrainingStoppedError(RuntimeError):
    """A training that had begun cannot go on; the message tells the way on.

    Checkpoints written before are whole. Command lines print the message without
    a traceback and end with exit code 1.
    """
