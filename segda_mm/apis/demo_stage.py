"""One method of the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoStage:
    """A config to train and evaluate, and what it starts from.

    Attributes:
        name: folder under the demo's output and key of the results.
        title: what tables and pictures call it.
        config: config file, relative to the repository.
        epochs: length of the training in the demo.
        parent: name of the stage whose checkpoint it starts from, if any.
        checkpoint_keys: the config keys which take that checkpoint.
    """

    name: str
    title: str
    config: str
    epochs: int
    parent: str | None = None
    checkpoint_keys: tuple[str, ...] = ()
