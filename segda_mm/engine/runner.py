"""A Runner that survives being killed and says so when it cannot go on."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn

from segda_mm.engine.hooks import PlainCheckpointHook
from segda_mm.files import atomic_file
from segda_mm.models.checkpoints import only_plain_checkpoints, read_checkpoint
from segda_mm.registry import RUNNERS

#: The hooks that MMEngine registers by itself, and leaves out for None.
_OWN_HOOKS = frozenset(
    ('checkpoint', 'logger', 'param_scheduler', 'runtime_info', 'sampler_seed', 'timer')
)


@RUNNERS.register_module()
class AdaptationRunner(Runner):
    """MMEngine's Runner with safe checkpoints and a strict resume.

    Checkpoints appear under their name only once they are complete, hold plain
    types only, and are read without running code from them. Resuming refuses
    whatever MMEngine passes over in silence and would make the resumed run
    another one: missing weights or optimizers, changed optimizers, schedulers
    or batches.

    Chosen by ``runner_type='AdaptationRunner'`` in a config; takes the
    arguments of :class:`mmengine.runner.Runner`.
    """

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Register ``default_hooks``; None leaves any of them out.

        MMEngine knows that for its own hooks only: to take a hook of a base
        config out, as ``default_hooks.channels_last=None`` does, ends in a
        bare AssertionError there.

        Args:
            hooks: See :meth:`mmengine.runner.Runner.register_default_hooks`.
        """
        super().register_default_hooks(
            {
                name: hook
                for name, hook in (hooks or {}).items()
                if hook is not None or name in _OWN_HOOKS
            }
        )

    def register_hooks(self, *args, **kwargs) -> None:
        """Register the hooks of the config and :class:`PlainCheckpointHook`.

        Args:
            *args: See :meth:`mmengine.runner.Runner.register_hooks`.
            **kwargs: See :meth:`mmengine.runner.Runner.register_hooks`.

        Raises:
            ValueError: ``max_keep_ckpts`` is 1: the only checkpoint would be
                deleted before the next one is written.
        """
        super().register_hooks(*args, **kwargs)
        self.register_hook(PlainCheckpointHook())
        for hook in self._hooks:
            if isinstance(hook, CheckpointHook) and hook.max_keep_ckpts == 1:
                raise ValueError(
                    'default_hooks.checkpoint.max_keep_ckpts is 1: the only '
                    'checkpoint is deleted before the next one is written, '
                    'and a run killed in between cannot be resumed; keep 2'
                )

    def dump_config(self) -> None:
        """Leave the work directory's config to :meth:`train`.

        MMEngine writes it whenever a runner is made. An evaluation, whose model
        may be wrapped for test-time augmentation, would so replace the config
        that the checkpoints beside it were trained with.
        """

    # What runs below may load weights by an `init_cfg` and in networks' own ways.
    @only_plain_checkpoints()
    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model; see :meth:`mmengine.runner.Runner.build_model`."""
        return super().build_model(model)

    @only_plain_checkpoints()
    def val(self) -> dict:
        """Validate; see :meth:`mmengine.runner.Runner.val`."""
        return super().val()

    @only_plain_checkpoints()
    def test(self) -> dict:
        """Test; see :meth:`mmengine.runner.Runner.test`."""
        return super().test()

    @only_plain_checkpoints()
    def train(self) -> nn.Module:
        """Write the config to the work directory, and train.

        Returns:
            The trained model.
        """
        super().dump_config()
        return super().train()

    @master_only
    def save_checkpoint(
        self, out_dir: str, filename: str, *args, meta: dict | None = None, **kwargs
    ) -> None:
        """Write a checkpoint under another name, then rename it.

        Args:
            out_dir: Local folder.
            filename: Name of the checkpoint in it.
            *args: See :meth:`mmengine.runner.Runner.save_checkpoint`.
            meta: Entries for ``meta``; the shape of the epochs is added.
            **kwargs: See :meth:`mmengine.runner.Runner.save_checkpoint`.

        Raises:
            FileNotWrittenError: The disk is full, or the like. Earlier
                checkpoints are untouched.
        """
        with atomic_file(Path(out_dir, filename)) as unfinished:
            super().save_checkpoint(
                str(unfinished.parent),
                unfinished.name,
                *args,
                meta={**(meta or {}), 'epoch_shape': self._epoch_shape()},
                **kwargs,
            )

    def load_or_resume(self) -> None:
        """Load or resume as the config says.

        ``resume=True`` without ``load_from`` resumes from the latest complete
        checkpoint of the work dir; a run killed before its first one starts
        afresh, with a warning.
        """
        if self._has_loaded or not self._resume or self._load_from is not None:
            super().load_or_resume()
            return
        latest = find_resumable_checkpoint(self.work_dir)
        if latest is None:
            self.logger.warning(
                f'resume is set, but {self.work_dir} holds no '
                'checkpoint yet: training from the start'
            )
        else:
            self.resume(latest)

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = True,
        revise_keys: Sequence[tuple[str, str]] = ((r'^module\.', ''),),
    ) -> dict:
        """Load all weights of the model, without running code of the file.

        Args:
            filename: A local checkpoint, or a URL with its sha256; see
                :func:`segda_mm.models.checkpoints.read_checkpoint`.
            map_location: See :func:`torch.load`.
            strict: Refuse missing, left-over and misshapen weights.
            revise_keys: Pairs of a pattern in the names of the weights and
                what replaces it.

        Returns:
            The content of the checkpoint.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is no plain checkpoint, or does not fit.
        """
        checkpoint = read_checkpoint(filename, map_location)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = self.model.module if is_model_wrapper(self.model) else self.model
        try:
            _load_checkpoint_to_model(
                model, checkpoint, strict, revise_keys=revise_keys
            )
        except RuntimeError as error:
            raise ValueError(
                f'{filename} does not fit the model '
                f'{type(model).__name__}: {error}\nIt was written with another '
                '`model` config. To start from the weights of one network, '
                'name the file as `checkpoint` of its SegmentorGenerator'
            ) from error
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Continue the run that wrote a checkpoint.

        Args:
            filename: A local checkpoint with its optimizers.
            *args: See :meth:`mmengine.runner.Runner.resume`.
            **kwargs: See :meth:`mmengine.runner.Runner.resume`.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The checkpoint is of another run than the config
                describes; the message names the config key.
        """
        self._check_same_run(filename, read_checkpoint(filename))
        super().resume(filename, *args, **kwargs)
        self._find_own_checkpoints()

    def _find_own_checkpoints(self) -> None:
        """Point at this work directory's checkpoints instead of the original's.

        In a copied or moved one, the next better checkpoint would otherwise
        replace that of the run it was copied from.
        """
        info = self.message_hub.runtime_info
        for key in [key for key in info if key.startswith(('best_ckpt', 'last_ckpt'))]:
            own = Path(self.work_dir, Path(info[key] or '.').name)
            info[key] = str(own) if own.is_file() else None

    def _epoch_shape(self) -> dict[str, int]:
        dataloader = self.train_dataloader
        return dict(
            batch_size=dataloader.batch_size,
            batches_per_epoch=len(dataloader),
            world_size=self.world_size,
        )

    def _check_same_run(self, filename: str, checkpoint: dict) -> None:
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        problems = []
        if 'optimizer' not in checkpoint:
            problems.append(
                'it holds no optimizer, as checkpoints of the best score do; '
                'resume from an `iter_*.pth` or `epoch_*.pth`, or start a new '
                'run from its weights with `load_from`'
            )
        else:
            problems += self._optimizer_problems(checkpoint['optimizer'])
            problems += self._scheduler_problems(checkpoint.get('param_schedulers', []))
        problems += self._model_problems(checkpoint.get('state_dict', {}))
        meta = checkpoint.get('meta', {})
        if 'iter' not in meta:
            problems.append(
                'it does not tell its iteration, as checkpoints of a training '
                'do; start a new run from its weights with `load_from`'
            )
        problems += self._class_problems(meta)
        now = self._epoch_shape()
        saved = meta.get('epoch_shape', now)
        problems += [
            f'{key} was {saved[key]} and is {value} now; restore '
            'train_dataloader and the number of processes'
            for key, value in now.items()
            if saved[key] != value
        ]
        problems += [
            f'optim_wrapper accumulates gradients over {count} iterations, '
            f'and those pending at iteration {meta["iter"]} were not saved; '
            'resume from a multiple, and set default_hooks.checkpoint.interval '
            'to one'
            for count in sorted(
                {w._accumulative_counts for w in self._named_wrappers().values()}
            )
            if meta.get('iter', 0) % count
        ]
        if problems:
            raise ValueError(
                f'{filename} cannot be resumed with this config:'
                + ''.join(f'\n- {text}' for text in problems)
            )

    def _model_problems(self, saved: dict) -> list[str]:
        """Where the checkpoint's weights are those of another model."""
        model = self.model.module if is_model_wrapper(self.model) else self.model
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

    def _class_problems(self, meta: dict) -> list[str]:
        old = (meta.get('dataset_meta') or {}).get('classes')
        new = getattr(self.train_dataloader.dataset, 'metainfo', {}).get('classes')
        if not old or not new or list(old) == list(new):
            return []
        return [
            f'the classes of train_dataloader.dataset were {list(old)} and '
            f'are {list(new)} now; restore its metainfo'
        ]

    def _named_wrappers(self) -> dict[str, OptimWrapper]:
        if isinstance(self.optim_wrapper, OptimWrapperDict):
            return dict(self.optim_wrapper.items())
        return {'': self.optim_wrapper}

    def _named_schedulers(self) -> dict[str, list]:
        schedulers = self.param_schedulers or []
        return schedulers if isinstance(schedulers, dict) else {'': schedulers}

    def _optimizer_problems(self, saved: dict) -> list[str]:
        """Where the checkpoint's optimizers are not those of the config."""
        wrappers = self._named_wrappers()
        saved_by_name = {'': saved} if 'param_groups' in saved else saved
        if saved_by_name.keys() != wrappers.keys():
            return [
                f'it holds optimizers for {_names(saved_by_name)}, the config '
                f'for {_names(wrappers)}; give optim_wrapper the same keys'
            ]
        schedulers = self._named_schedulers()
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

    def _scheduler_problems(self, saved: dict | list) -> list[str]:
        """Where the checkpoint's schedules are not those of the config."""
        schedulers = self._named_schedulers()
        saved_by_name = saved if isinstance(saved, dict) else {'': saved}
        if {name: len(states) for name, states in saved_by_name.items()} != {
            name: len(members) for name, members in schedulers.items()
        }:
            return [
                'its schedulers are not those of param_scheduler; restore '
                'param_scheduler'
            ]
        problems = []
        for name, members in schedulers.items():
            for scheduler, old in zip(members, saved_by_name[name]):
                key = f'param_scheduler.{name}'.rstrip('.')
                problems += [
                    f'{key} ({type(scheduler).__name__}): {option} was '
                    f'{old.get(option)} and is {value} now'
                    for option, value in scheduler.state_dict().items()
                    if option in _configured_names(type(scheduler))
                    and old.get(option) != value
                ]
        return problems


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


def _configured_names(scheduler_type: type) -> set[str]:
    """Attributes of a scheduler that its config sets, not its progress."""
    arguments = {
        name
        for ancestor in scheduler_type.__mro__
        for name in inspect.signature(ancestor.__init__).parameters
    }
    return arguments - {'last_step', 'verbose'}


def _names(by_name: dict) -> str:
    return ', '.join(by_name) if any(by_name) else 'the whole model'
