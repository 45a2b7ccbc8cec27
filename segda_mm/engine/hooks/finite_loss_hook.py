"""Stop a training whose loss is no longer a number."""

import functools
import math
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.resume import by_name, find_resumable_checkpoint
from segda_mm.errors import NonFiniteLossError
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop at the first loss that is NaN or infinite, before its update.

    The error names the iteration, the terms of the loss and the image files of the
    batch. Nothing is saved any more, so that the last checkpoint is a good one. A
    finite loss can have gradients that are not: the trained weights are looked at
    before each checkpoint. In several processes all refuse the step together.

    On a GPU nobody waits for a loss: whether it is finite is copied to the host while
    the backward pass runs, and looked up before the step.
    """

    # Before every hook that looks at, averages or saves what the step left.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._guards: list[_GuardedSteps] = []

    def before_train(self, runner: Runner) -> None:
        """Guard every optimizer of the run."""
        wrappers = by_name(runner.optim_wrapper).values()
        self._guards = [_GuardedSteps(wrapper) for wrapper in wrappers]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: dict | None = None,
    ) -> None:
        """End the training if a step was refused."""
        # All of them: each has to look its losses up before the next step.
        failed = [guard.has_failed() for guard in self._guards]
        if any(failed):
            raise NonFiniteLossError(_message(runner, data_batch, outputs or {}))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save weights that are not finite."""
        # All are asked before the first answer is waited for.
        finite = {
            name: weight.isfinite().all()
            for name, weight in unwrapped(runner.model).named_parameters()
            if weight.requires_grad
        }
        bad = [name for name, good in finite.items() if not good]
        if bad:
            raise NonFiniteLossError(
                f'{len(bad)} of {len(finite)} trained weights are not finite at '
                f'iteration {runner.iter}, first {bad[0]}. No checkpoint is written. '
                f'{_way_on(runner)}'
            )


class _GuardedSteps:
    """Makes an optimizer wrapper refuse to step on a loss that is not finite."""

    def __init__(self, wrapper: OptimWrapper) -> None:
        self._failed = False
        self._verdicts: list[tuple[Tensor, torch.cuda.Event | None]] = []
        run_backward, take_step = wrapper.backward, wrapper.step

        def backward(loss: Tensor, **kwargs) -> None:
            self._verdicts.append(_judge(loss.detach()))
            run_backward(loss, **kwargs)

        # Schedulers know an optimizer they have seen by a mark on its `step`.
        @functools.wraps(take_step)
        def step(**kwargs) -> None:
            if not self.has_failed():
                take_step(**kwargs)

        wrapper.backward, wrapper.step = backward, step

    def has_failed(self) -> bool:
        for is_bad, ready in self._verdicts:
            if ready is not None:
                ready.synchronize()
            self._failed |= bool(is_bad)
        self._verdicts.clear()
        return self._failed


def _judge(loss: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    """1 for a bad loss, on the host, and what has to happen before it is valid."""
    is_bad = (~torch.isfinite(loss)).any().float()
    all_reduce(is_bad, 'max')
    if not is_bad.is_cuda:
        return is_bad, None
    on_host = torch.empty((), dtype=is_bad.dtype, pin_memory=True)
    on_host.copy_(is_bad, non_blocking=True)
    ready = torch.cuda.Event()
    ready.record()
    return on_host, ready


def _message(runner: Runner, data_batch: DATA_BATCH, outputs: dict) -> str:
    terms = {
        key: float(torch.as_tensor(value).detach())
        for key, value in outputs.items()
        if 'loss' in key
    }
    bad = [f'{key} = {term}' for key, term in terms.items() if not math.isfinite(term)]
    mine = (get_rank(), bad, list(dict.fromkeys(_image_files(data_batch))))
    lines = []
    for rank, bad, files in all_gather_object(mine):
        of = f' of process {rank}' if get_world_size() > 1 else ''
        if bad:
            lines += [f'terms{of}: {", ".join(bad)}', f'images{of}:']
            lines += [f'  {file}' for file in files]
    lines = [
        f'the loss of iteration {runner.iter + 1} (epoch {runner.epoch + 1}) is '
        'not finite. No step was taken on it, and nothing was saved.',
        *lines,
        'Look at the labels of these images (segda check CONFIG does), '
        'lower optim_wrapper.optimizer.lr, or bound the gradients with '
        'optim_wrapper.clip_grad=dict(max_norm=...); with --amp try without.',
        _way_on(runner),
    ]
    return '\n'.join(lines)


def _way_on(runner: Runner) -> str:
    # Not the message hub's `last_ckpt`: it is set before the file is written.
    last = find_resumable_checkpoint(runner.work_dir)
    if last is None:
        return f'{runner.work_dir} holds no earlier checkpoint: start the run again'
    return f'The last good checkpoint is {last}; --resume goes on from there'


def _image_files(node: Any) -> Iterator[str]:
    """The image files that the samples of a nested batch come from."""
    if isinstance(node, dict | list | tuple):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _image_files(child)
    elif 'img_path' in getattr(node, 'metainfo', ()):
        yield str(node.metainfo['img_path'])
