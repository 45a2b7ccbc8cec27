"""The error of a demo that had to stop."""


class DemoError(RuntimeError):
    """A step of the demo failed; the message says which and shows its log."""
