"""Which checkpoint a run goes on from, and whether it is of this very run."""

import inspect
from pathlib import Path
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner


def find_resumable_checkpoint(work_dir: str) -> str | None:
    """Find the latest complete checkpoint of a work dir.

    ``last_checkpoint`` names it, unless the run was killed while that file was written,
    the checkpoint was deleted for a newer one, or the work dir was moved. Then the
    newest ``iter_*.pth`` or ``epoch_*.pth`` is taken: a file has such a name only once
    it is complete.
    """
    folder = Path(work_dir)
    pointer = folder / 'last_checkpoint'
    if pointer.is_file():
        named = Path(pointer.read_text().strip() or '.')
        # The folder's own file first: in a copy of a work dir the path in the
        # pointer still leads to the original.
        for candidate in (folder / named.name, named):
            if candidate.is_file():
                return str(candidate)
    complete = [*folder.glob('iter_*.pth'), *folder.glob('epoch_*.pth')]
    latest = max(complete, key=lambda path: path.stat().st_mtime_ns, default=None)
    return latest and str(latest)


def epoch_shape(runner: Runner) -> dict[str, int]:
    """What decides which images a step sees; checkpoints hold it in ``meta``."""
    return dict(
        batch_size=runner.train_dataloader.batch_size,
        batches_per_epoch=len(runner.train_dataloader),
        world_size=runner.world_size,
    )


def resume_problems(runner: Runner, checkpoint: dict[str, Any]) -> list[str]:
    """Tell what, beside weights, would make the resumed run another one.

    The runner has optimizers, schedulers, model and training data loader built.
    """
    optimizers = by_name(runner.optim_wrapper)
    schedulers = by_name(runner.param_schedulers or [])
    meta = checkpoint.get('meta', {})
    if 'optimizer' in checkpoint:
        problems = [
            *_optimizer_problems(checkpoint['optimizer'], optimizers, schedulers),
            *_scheduler_problems(checkpoint.get('param_schedulers', []), schedulers),
        ]
    else:
        problems = [
            'it holds no optimizer, as checkpoints of the best score do; resume from '
            'an `iter_*.pth` or `epoch_*.pth`, or start anew with `load_from`'
        ]
    if 'iter' not in meta:
        problems.append(
            'it does not tell its iteration, as checkpoints of a training do; start '
            'anew with `load_from`'
        )
    problems += _data_problems(meta, runner)
    problems += [
        f'optim_wrapper accumulates gradients over {count} iterations, and those '
        f'pending at iteration {meta["iter"]} were not saved; resume from a multiple, '
        'and set default_hooks.checkpoint.interval to one'
        for count in sorted({w._accumulative_counts for w in optimizers.values()})
        if meta.get('iter', 0) % count
    ]
    return problems


def by_name(members: Any) -> dict[str, Any]:
    """Optimizer wrappers, or schedulers, of a run by the network they are for.

    What is for the whole model has an empty name.
    """
    if isinstance(members, dict | OptimWrapperDict):
        return dict(members.items())
    return {'': members}


def _optimizer_problems(
    saved: dict, wrappers: dict[str, OptimWrapper], schedulers: dict[str, list]
) -> list[str]:
    saved_by_name = {'': saved} if 'param_groups' in saved else saved
    if saved_by_name.keys() != wrappers.keys():
        return [
            f'it holds optimizers for {_names(saved_by_name)}, the config '
            f'for {_names(wrappers)}; give optim_wrapper the same keys'
        ]
    problems = []
    for name, wrapper in wrappers.items():
        key = f'optim_wrapper.{name}'.rstrip('.')
        groups = zip(saved_by_name[name]['param_groups'], wrapper.param_groups)
        # MMEngine keeps the checkpoint's values and ignores the config's.
        driven = {'params'} | {
            scheduler.param_name for scheduler in schedulers.get(name, [])
        }
        for old, new in groups:
            problems += [
                f'{key}.optimizer: {option} was {old.get(option)} and is '
                f'{new.get(option)} now'
                for option in sorted((old.keys() | new.keys()) - driven)
                if old.get(option) != new.get(option)
            ]
    return list(dict.fromkeys(problems))


def _scheduler_problems(saved: dict | list, schedulers: dict[str, list]) -> list[str]:
    saved_by_name = by_name(saved)
    if saved_by_name.keys() != schedulers.keys() or any(
        len(members) != len(saved_by_name[name]) for name, members in schedulers.items()
    ):
        return [
            'its schedulers are not those of param_scheduler; restore param_scheduler'
        ]
    return [
        f'{f"param_scheduler.{name}".rstrip(".")} ({type(scheduler).__name__}): '
        f'{option} was {old.get(option)} and is {value} now'
        for name, members in schedulers.items()
        for scheduler, old in zip(members, saved_by_name[name])
        for option, value in scheduler.state_dict().items()
        if option in _configured_names(type(scheduler)) and old.get(option) != value
    ]


def _configured_names(scheduler_type: type) -> set[str]:
    """Attributes of a scheduler that its config sets, not its progress."""
    arguments = {
        name
        for ancestor in scheduler_type.__mro__
        for name in inspect.signature(ancestor.__init__).parameters
    }
    return arguments - {'last_step', 'verbose'}


def _data_problems(meta: dict, runner: Runner) -> list[str]:
    now = epoch_shape(runner)
    saved = meta.get('epoch_shape', now)
    problems = [
        f'{key} was {saved[key]} and is {value} now; restore train_dataloader and the '
        'number of processes'
        for key, value in now.items()
        if saved[key] != value
    ]
    old = (meta.get('dataset_meta') or {}).get('classes')
    new = getattr(runner.train_dataloader.dataset, 'metainfo', {}).get('classes')
    if old and new and list(old) != list(new):
        problems.append(
            f'the classes of train_dataloader.dataset were {list(old)} and '
            f'are {list(new)} now; restore its metainfo'
        )
    return problems


def _names(by_name: dict) -> str:
    return ', '.join(by_name) if any(by_name) else 'the whole model'
