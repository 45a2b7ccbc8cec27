"""A sampler that can begin in the middle of an epoch."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mmengine.dataset import DefaultSampler

from segda_mm.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class ResumableSampler(DefaultSampler):
    """MMEngine's epoch sampler with a starting position.

    The order of an epoch depends on the seed and the epoch only. Its length
    stays that of the whole epoch, so that a data loader counts the same
    batches whether the epoch is begun or resumed. Takes the arguments of
    :class:`mmengine.dataset.DefaultSampler`.

    Attributes:
        start: Number of this rank's samples to leave out at the front of the
            next iteration; set by :class:`ResumableEpochTrainLoop`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.start = 0

    def __iter__(self) -> Iterator[int]:
        """Iterate the indices of this rank, from ``start`` on."""
        return islice(super().__iter__(), self.start, None)
