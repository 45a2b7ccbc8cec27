"""What hooks share that measure on images of their own after a validation."""

from abc import ABC, abstractmethod

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.engine.image_pass import build_image_loader, undisturbed


class AfterValidationHook(Hook, ABC):
    """Add figures on further images to the metrics of each validation.

    The figures are logged as MMEngine logs its metrics, ``val/<name>``, and
    ``save_best`` of the checkpoint hook can choose by them. They are the same
    in all processes. The model returns to the mode it was in, and training draws
    the random numbers it would have drawn without the hook.

    A subclass implements :meth:`check` and :meth:`measure`.

    Args:
        dataloader: Config of a data loader over the images. Its sampler is set
            by the hook: each image once, shared out to the processes.

    Raises:
        ValueError: Before training: it has no validation to come after.
    """

    # Before RuntimeInfoHook, which hands the metrics to the log, EMAHook, which
    # takes the averaged weights away, and CheckpointHook, which chooses.
    priority = 'HIGHEST'

    def __init__(self, dataloader: dict) -> None:
        self._dataloader_cfg = dataloader
        self._dataloader: DataLoader | None = None

    def before_train(self, runner) -> None:
        """Build the data loader and try it, while nothing is lost yet.

        Args:
            runner: The runner.
        """
        name = type(self).__name__
        if runner.val_loop is None:
            raise ValueError(
                f'{name} measures after each validation, but this training has '
                'none: set val_dataloader, val_cfg and val_evaluator, for '
                'instance on held-out source images, or take the hook out of '
                'custom_hooks'
            )
        self.prepare(runner)

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        """Measure, and add the figures to the metrics.

        Args:
            runner: The runner.
            metrics: What the validation found; changed in place.
        """
        # A validation of its own, without a training around it.
        if self._dataloader is None:
            self.prepare(runner)
        with undisturbed(runner.model):
            metrics.update(self.measure(runner, self._dataloader))

    def prepare(self, runner) -> None:
        """Build what :meth:`measure` needs, and :meth:`check`.

        Args:
            runner: The runner.
        """
        self._dataloader = build_image_loader(
            runner, self._dataloader_cfg, type(self).__name__
        )
        with undisturbed(runner.model):
            sample = self._dataloader.dataset[0]
        self.check(unwrapped(runner.model), sample)

    @abstractmethod
    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse what cannot be measured.

        Args:
            network: The model.
            sample: The first one of the data loader's data set.
        """

    @abstractmethod
    def measure(self, runner, dataloader: DataLoader) -> dict[str, float]:
        """Run the model, which is in evaluation mode, on all images.

        Args:
            runner: The runner.
            dataloader: Gives this process its share of the images.

        Returns:
            Figures of the images of all processes, by name.
        """


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of its wrapper, if it has one."""
    return model.module if is_model_wrapper(model) else model
