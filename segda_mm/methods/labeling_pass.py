"""How a teacher labels images, and when it may learn from that very pass."""

import random
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segda_mm.methods.generator import (
    GeneratorResult,
    SegmentorGenerator,
    has_plain_losses,
)
from segda_mm.methods.modes import batch_statistics, evaluating


@torch.no_grad()
def labeling_pass(
    generator: SegmentorGenerator, inputs: Tensor, of_the_batch: bool
) -> GeneratorResult:
    """A pass in evaluation mode, without a graph, which leaves no trace.

    ``of_the_batch``: BatchNorm normalises by the statistics of the batch instead of
    the running ones.
    """
    statistics = batch_statistics(generator) if of_the_batch else nullcontext()
    with evaluating(generator.modules()), statistics:
        return generator.infer(inputs)


class SharedPass:
    """Labels images with the statistics of the batch, and learns from the pass.

    A teacher that labels with the statistics that it learns with computes the same
    twice: one pass can serve both, where training mode draws no random number. Where
    the decode head alone draws some (dropout), it runs again in evaluation mode. All
    other networks, and heads with losses of their own, label in a pass of their own.
    """

    def __init__(self) -> None:
        self._random_parts: tuple[bool, bool] | None = None

    def __call__(
        self, generator: SegmentorGenerator, inputs: Tensor
    ) -> tuple[GeneratorResult, GeneratorResult | None]:
        """Label images with a teacher in training mode, always the same one.

        Returns:
            The pass to label by; and the one to learn from, None if the teacher has to
            make one of its own.
        """
        head = generator.segmentor.decode_head
        if not has_plain_losses(head):
            return labeling_pass(generator, inputs, of_the_batch=True), None
        if self._random_parts is None:
            self._random_parts = random_parts(generator, inputs)
        in_features, in_head = self._random_parts
        if in_features:
            return labeling_pass(generator, inputs, of_the_batch=True), None
        result = generator.infer(inputs)
        if not in_head:
            return result, result
        with torch.no_grad(), evaluating(head.modules()), batch_statistics(head):
            return generator.decode_again(result), result


@torch.no_grad()
def random_parts(generator: SegmentorGenerator, inputs: Tensor) -> tuple[bool, bool]:
    """Find out what draws random numbers in the mode that a generator is in.

    The generators of PyTorch, NumPy and Python are looked at before and after a pass,
    which leaves no trace in them or in the buffers.

    Returns:
        Whether backbone and neck do, and whether the decode head does.
    """
    device = inputs.device
    python, numpy = random.getstate(), np.random.get_state()
    buffers = [(buffer, buffer.clone()) for buffer in generator.buffers()]
    with torch.random.fork_rng([device] if device.type == 'cuda' else []):
        before = _random_state(device)
        features = generator.segmentor.extract_feat(inputs)
        between = _random_state(device)
        generator.segmentor.decode_head(features)
        after = _random_state(device)
    random.setstate(python)
    np.random.set_state(numpy)
    for buffer, value in buffers:
        buffer.copy_(value)
    return before != between, between != after


def _random_state(device: torch.device) -> tuple:
    """Where all generators of random numbers stand, to be compared."""
    numpy: Any = np.random.get_state()
    states = [torch.get_rng_state()]
    if device.type == 'cuda':
        states.append(torch.cuda.get_rng_state(device))
    return (
        [state.numpy().tobytes() for state in states],
        (numpy[1].tobytes(), numpy[2]),
        random.getstate(),
    )
