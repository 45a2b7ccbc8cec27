"""Stop a training whose loss is no longer a number."""

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

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

    A network takes no step on such a loss, whichever optimizer wrapper it has,
    and the iteration ends the training with an error that names it, the terms
    of the loss and the image files of the batch. Nothing is saved any more, so
    that the last checkpoint is a good one. Networks that had their step
    earlier in the same iteration keep it, which no checkpoint sees.

    A finite loss can have gradients that are not. What they leave is found at
    the latest when a checkpoint is due: the trained weights are looked at
    before each, and none is written if one of them is not finite.

    On a GPU nobody waits for a loss: whether it is finite is copied to the
    host while the backward pass runs, and is looked up before the step. In
    several processes all refuse the step together, for which one number is
    reduced for each loss.

    Raises:
        NonFiniteLossError: After an iteration, a loss of it is not finite; before
            a checkpoint, a trained weight.
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
        trained = {
            name: parameter
            for name, parameter in unwrapped(runner.model).named_parameters()
            if parameter.requires_grad
        }
        if not trained:
            return
        finite = torch.stack(
            [torch.isfinite(weight).all() for weight in trained.values()]
        )
        bad = [name for name, good in zip(trained, finite.tolist()) if not good]
        if bad:
            raise NonFiniteLossError(
                f'{len(bad)} of {len(trained)} trained weights are not finite '
                f'when iteration {runner.iter} is to be saved, first '
                f'{bad[0]}: a gradient of a finite loss was not. No checkpoint '
                f'is written. {_way_on(runner)}'
            )


class _GuardedSteps:
    """Makes an optimizer wrapper refuse to step on a loss that is not finite."""

    def __init__(self, wrapper: OptimWrapper) -> None:
        self._failed = False
        self._verdicts: list[_Verdict] = []
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
        for verdict in self._verdicts:
            if verdict.ready is not None:
                verdict.ready.synchronize()
            self._failed |= bool(verdict.is_bad)
        self._verdicts.clear()
        return self._failed


class _Verdict(NamedTuple):
    """Scalar on the host, 1 for a bad loss, valid once ``ready`` has happened."""

    is_bad: Tensor
    ready: torch.cuda.Event | None


def _judge(loss: Tensor) -> _Verdict:
    is_bad = (~torch.isfinite(loss)).any().float()
    if get_world_size() > 1:
        all_reduce(is_bad, 'max')
    if not is_bad.is_cuda:
        return _Verdict(is_bad, None)
    on_host = torch.empty((), dtype=is_bad.dtype, pin_memory=True)
    on_host.copy_(is_bad, non_blocking=True)
    ready = torch.cuda.Event()
    ready.record()
    return _Verdict(on_host, ready)


def _message(runner: Runner, data_batch: DATA_BATCH, outputs: dict) -> str:
    terms = {
        key: float(torch.as_tensor(value).detach())
        for key, value in outputs.items()
        if 'loss' in key
    }
    bad = [
        f'{key} = {value}' for key, value in terms.items() if not math.isfinite(value)
    ]
    mine = (get_rank(), bad, list(dict.fromkeys(_image_files(data_batch))))
    lines = []
    for rank, bad, files in all_gather_object(mine):
        of = f' of process {rank}' if get_world_size() > 1 else ''
        if bad:
            lines += [f'terms{of}: {", ".join(bad)}', f'images{of}:']
            lines += [f'  {file}' for file in files] or [
                '  not known; add img_path to meta_keys of what packs the '
                'inputs in train_dataloader.dataset.pipeline'
            ]
    return '\n'.join(
        [
            f'the loss of iteration {runner.iter + 1} (epoch {runner.epoch + 1}) is '
            'not finite. No step was taken on it, and nothing was saved.',
            *lines,
            'Look at the labels of these images (tools/check_data.py CONFIG does), '
            'lower optim_wrapper.optimizer.lr, or bound the gradients with '
            'optim_wrapper.clip_grad=dict(max_norm=...); with --amp try without.',
            _way_on(runner),
        ]
    )


def _way_on(runner: Runner) -> str:
    # Not the message hub's `last_ckpt`: it is set before the file is written.
    last = find_resumable_checkpoint(runner.work_dir)
    if last is None:
        return f'{runner.work_dir} holds no earlier checkpoint: start the run again'
    return f'The last good checkpoint is {last}; --resume goes on from there'


def _image_files(node: Any) -> Iterator[str]:
    """The image files that the samples of a nested batch come from."""
    if isinstance(node, dict):
        for child in node.values():
            yield from _image_files(child)
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _image_files(child)
    elif 'img_path' in getattr(node, 'metainfo', ()):
        yield str(node.metainfo['img_path'])
