"""A Runner that survives being killed and says so when it cannot go on."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from mmengine.runner import Runner, load_state_dict
from torch import nn

from segda_mm.engine.console import ConsoleHook, quiet_console
from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.hooks.checkpoint_hooks import PlainCheckpointHook
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

    Checkpoints appear under their name only once they are complete, hold plain types
    only, and are read without running code from them. Resuming refuses whatever
    MMEngine passes over in silence and would make the resumed run another one.
    """

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Register ``default_hooks``; None leaves any out, not only MMEngine's own."""
        super().register_default_hooks(
            {
                name: hook
                for name, hook in (hooks or {}).items()
                if hook is not None or name in _OWN_HOOKS
            }
        )

    def register_hooks(self, *args: Any, **kwargs: Any) -> None:
        """Register the hooks of the config, and those that every run has."""
        super().register_hooks(*args, **kwargs)
        self.register_hook(PlainCheckpointHook())
        self._console = ConsoleHook()
        self.register_hook(self._console)
        for hook in self._hooks:
            if isinstance(hook, CheckpointHook) and hook.max_keep_ckpts == 1:
                raise ValueError(
                    'default_hooks.checkpoint.max_keep_ckpts is 1: a run killed '
                    'between two checkpoints could not be resumed; keep 2'
                )

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; its console is left to :class:`ConsoleHook`."""
        logger = super().build_logger(*args, **kwargs)
        quiet_console(logger)
        return logger

    def dump_config(self) -> None:
        """Do nothing: an evaluation is not to replace the config of a training."""

    # What runs in these may load weights by an `init_cfg` and in networks' own ways.
    build_model = only_plain_checkpoints()(Runner.build_model)
    val = only_plain_checkpoints()(Runner.val)
    test = only_plain_checkpoints()(Runner.test)

    @only_plain_checkpoints()
    def train(self) -> nn.Module:
        """Write the config to the work directory, and train the model."""
        super().dump_config()
        try:
            return super().train()
        finally:
            # An error is to be the last that a terminal shows.
            self._console.after_train(self)

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

        Takes the arguments of MMEngine's; the shape of the epochs is added to ``meta``.
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
        """Load or resume as the config says; start afresh where nothing was saved."""
        if self._has_loaded or not self._resume or self._load_from is not None:
            super().load_or_resume()
        elif latest := find_resumable_checkpoint(self.work_dir):
            self.resume(latest)
        else:
            self.logger.warning(f'{self.work_dir} holds no checkpoint to resume yet')

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = True,
    ) -> dict:
        """Load all weights of the model, without running code of the file.

        Returns the content of the checkpoint.

        Raises:
            ValueError: The file is no plain checkpoint, or does not fit.
        """
        checkpoint = read_checkpoint(filename, map_location)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = unwrapped(self.model)
        saved = checkpoint.get('state_dict', checkpoint)
        # Some model wrappers save their model under this name.
        weights = OrderedDict(
            (key.removeprefix('module.'), value) for key, value in saved.items()
        )
        # Layers of other versions read their weights by it.
        weights._metadata = getattr(saved, '_metadata', OrderedDict())
        try:
            load_state_dict(model, weights, strict)
        except RuntimeError as error:
            raise ValueError(
                f'{filename} does not fit the model '
                f'{type(model).__name__}: {error}\nRestore `model`, num_classes of its '
                'heads included. To start from the weights of one network, name the '
                'file as `checkpoint` of its SegmentorGenerator'
            ) from error
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Continue the run that wrote a checkpoint; refuse another one's."""
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
        """Point a copied work directory at its own checkpoints, not the original's."""
        info = self.message_hub.runtime_info
        for key in [key for key in info if key.startswith(('best_ckpt', 'last_ckpt'))]:
            own = Path(self.work_dir, Path(info[key] or '.').name)
            info[key] = str(own) if own.is_file() else None
