"""The processes that share out the labelling of one set of images."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import torch
from mmengine.dist import (
    all_gather_object,
    all_reduce,
    broadcast_object_list,
    get_rank,
    get_world_size,
)
from torch import Tensor


class Processes:
    """How the processes of one labelling wait for each other and agree.

    They talk through a gloo group of their own, which does not time out where one
    process is done long before another. To be made by all of them at the same point.
    Without a launcher there is one process, and nothing is sent.
    """

    def __init__(self) -> None:
        self.rank = get_rank()
        self.count = get_world_size()
        self._group = None
        if self.count > 1:
            self._group = torch.distributed.new_group(
                backend='gloo', timeout=timedelta(days=30)
            )

    def from_main(self, function: Callable, *args) -> Any:
        """Call a function in the main process; all return its result, or raise."""
        if self._group is None:
            return function(*args)
        outcome = [None, None]
        if self.rank == 0:
            try:
                outcome = [function(*args), None]
            except Exception as error:
                outcome = [None, error]
        broadcast_object_list(outcome, group=self._group)
        result, error = outcome
        if error is not None:
            raise error
        return result

    def sum(self, counts: Tensor) -> Tensor:
        """Add up the counts of all processes, in place."""
        if self._group is not None:
            all_reduce(counts, group=self._group)
        return counts

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self._group is not None:
            all_gather_object(None, group=self._group)
