"""A Runner that survives being killed and says so when it cannot go on."""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner, load_state_dict
from torch import nn

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.hooks import PlainCheckpointHook
from segda_mm.engine.resume import (
    epoch_shape,
    find_resumable_checkpoint,
    resume_problems,
)
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
            hooks: By name, as ``default_hooks`` of a config.
        """
        super().register_default_hooks(
            {
                name: hook
                for name, hook in (hooks or {}).items()
                if hook is not None or name in _OWN_HOOKS
            }
        )

    def register_hooks(
        self, default_hooks: dict | None = None, custom_hooks: list | None = None
    ) -> None:
        """Register the hooks of the config and :class:`PlainCheckpointHook`.

        Args:
            default_hooks: See :meth:`register_default_hooks`.
            custom_hooks: Hooks or their configs.

        Raises:
            ValueError: ``max_keep_ckpts`` is 1: the only checkpoint would be
                deleted before the next one is written.
        """
        super().register_hooks(default_hooks, custom_hooks)
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
        """Write the config to the work directory, and train the model."""
        super().dump_config()
        return super().train()

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        *args: Any,
        meta: dict | None = None,
        **kwargs: Any,
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
                meta={**(meta or {}), 'epoch_shape': epoch_shape(self)},
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
        model = unwrapped(self.model)
        saved = checkpoint.get('state_dict', checkpoint)
        weights = OrderedDict(saved)
        for pattern, replacement in revise_keys:
            weights = OrderedDict(
                (re.sub(pattern, replacement, key), value)
                for key, value in weights.items()
            )
        # Layers of other versions read their weights by it.
        weights._metadata = getattr(saved, '_metadata', OrderedDict())
        try:
            load_state_dict(model, weights, strict)
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

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
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
        checkpoint = read_checkpoint(filename)
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        problems = resume_problems(self, checkpoint)
        if problems:
            raise ValueError(
                f'{filename} cannot be resumed with this config:'
                + ''.join(f'\n- {text}' for text in problems)
            )
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
