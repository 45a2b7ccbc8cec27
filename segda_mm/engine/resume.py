"""Which checkpoint a run goes on from, and whether it is of this very run."""

import inspect
from pathlib import Path
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from segda_mm.engine.distributed import unwrapped


def find_resumable_checkpoint(work_dir: str) -> str | None:
    """Find the latest complete checkpoint of a work dir.

    ``last_checkpoint`` names it, unless the run was killed while that file was
    written, the checkpoint was deleted for a newer one, or the work dir was
    moved. Then the newest ``iter_*.pth`` or ``epoch_*.pth`` in the folder is
    taken: a file has such a name only once it is complete.

    Args:
        work_dir: Where the run wrote.

    Returns:
        Path of the checkpoint; None if there is none.
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
    if not complete:
        return None
    return str(max(complete, key=lambda path: path.stat().st_mtime_ns))


def epoch_shape(runner: Runner) -> dict[str, int]:
    """What decides which images a step sees; checkpoints hold it in ``meta``.

    Args:
        runner: The runner, with its training data loader built.
    """
    return dict(
        batch_size=runner.train_dataloader.batch_size,
        batches_per_epoch=len(runner.train_dataloader),
        world_size=runner.world_size,
    )


def resume_problems(runner: Runner, checkpoint: dict[str, Any]) -> list[str]:
    """Tell what would make the resumed run another one than that of a checkpoint.

    Args:
        runner: The runner, with optimizers, schedulers, model and training data
            loader built.
        checkpoint: The content of the checkpoint.

    Returns:
        One sentence a problem, which names the config key.
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
            'it holds no optimizer, as checkpoints of the best score do; '
            'resume from an `iter_*.pth` or `epoch_*.pth`, or start a new '
            'run from its weights with `load_from`'
        ]
    problems += _model_problems(checkpoint.get('state_dict', {}), runner)
    if 'iter' not in meta:
        problems.append(
            'it does not tell its iteration, as checkpoints of a training '
            'do; start a new run from its weights with `load_from`'
        )
    problems += _data_problems(meta, runner)
    problems += [
        f'optim_wrapper accumulates gradients over {count} iterations, '
        f'and those pending at iteration {meta["iter"]} were not saved; '
        'resume from a multiple, and set default_hooks.checkpoint.interval '
        'to one'
        for count in sorted({w._accumulative_counts for w in optimizers.values()})
        if meta.get('iter', 0) % count
    ]
    return problems


def by_name(members: Any) -> dict[str, Any]:
    """Optimizer wrappers, or schedulers, of a run by the network they are for.

    Args:
        members: What the runner has: a dict of them, or what is for the whole model,
            whose name is then empty.
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
        old_groups = saved_by_name[name]['param_groups']
        new_groups = wrapper.optimizer.param_groups
        if len(old_groups) != len(new_groups):
            problems.append(
                f'{key} had {len(old_groups)} parameter groups and has '
                f'{len(new_groups)} now; restore its paramwise_cfg'
            )
            continue
        # MMEngine keeps the checkpoint's values and ignores the config's.
        driven = {'params'} | {
            scheduler.param_name for scheduler in schedulers.get(name, [])
        }
        for old, new in zip(old_groups, new_groups):
            problems += [
                f'{key}.optimizer: {option} was {old.get(option)} and is '
                f'{new.get(option)} now'
                for option in sorted((old.keys() | new.keys()) - driven)
                if old.get(option) != new.get(option)
            ]
    return list(dict.fromkeys(problems))


def _scheduler_problems(saved: dict | list, schedulers: dict[str, list]) -> list[str]:
    saved_by_name = by_name(saved)
    if _counts(saved_by_name) != _counts(schedulers):
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


def _counts(by_name: dict[str, list]) -> dict[str, int]:
    return {name: len(members) for name, members in by_name.items()}


def _configured_names(scheduler_type: type) -> set[str]:
    """Attributes of a scheduler that its config sets, not its progress."""
    arguments = {
        name
        for ancestor in scheduler_type.__mro__
        for name in inspect.signature(ancestor.__init__).parameters
    }
    return arguments - {'last_step', 'verbose'}


def _model_problems(saved: dict, runner: Runner) -> list[str]:
    model = unwrapped(runner.model)
    own = model.state_dict()
    saved = {key.removeprefix('module.'): saved[key] for key in saved}
    problems = []
    for what, keys in (
        ('lacks the weights of', own.keys() - saved.keys()),
        ('has weights of', saved.keys() - own.keys()),
    ):
        networks = {key.split('.')[0] for key in keys}
        whole = networks - {key.split('.')[0] for key in own.keys() & saved.keys()}
        if whole:
            problems.append(
                f'it {what} {", ".join(sorted(whole))}, which the model '
                f'{type(model).__name__} '
                f'{"has" if what.startswith("lacks") else "does not have"}; '
                'restore `model`, or start a new run'
            )
    shapes = [
        f'{key} {tuple(saved[key].shape)} and {tuple(weight.shape)}'
        for key, weight in own.items()
        if key in saved and saved[key].shape != weight.shape
    ]
    if shapes:
        problems.append(
            f'{len(shapes)} weights had another shape than now: '
            f'{"; ".join(shapes[:3])}; restore `model`, num_classes of '
            'its heads included'
        )
    return problems


def _data_problems(meta: dict, runner: Runner) -> list[str]:
    problems = []
    old = (meta.get('dataset_meta') or {}).get('classes')
    new = getattr(runner.train_dataloader.dataset, 'metainfo', {}).get('classes')
    if old and new and list(old) != list(new):
        problems.append(
            f'the classes of train_dataloader.dataset were {list(old)} and '
            f'are {list(new)} now; restore its metainfo'
        )
    now = epoch_shape(runner)
    saved = meta.get('epoch_shape', now)
    return problems + [
        f'{key} was {saved[key]} and is {value} now; restore '
        'train_dataloader and the number of processes'
        for key, value in now.items()
        if saved[key] != value
    ]


def _names(by_name: dict) -> str:
    return ', '.join(by_name) if any(by_name) else 'the whole model'
