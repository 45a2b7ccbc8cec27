"""The error of an experiment that cannot be carried out or reported."""


class ExperimentError(ValueError):
    """A file of an experiment, or one of its runs, is wrong.

    The message names the key or the run and what to do.
    """
