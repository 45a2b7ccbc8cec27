"""How well a network still does on the domain that has labels."""

from mmengine.evaluator import Evaluator
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.engine.hooks.after_validation_hook import AfterValidationHook
from segda_mm.registry import HOOKS

_PREFIX = 'source_'


@HOOKS.register_module()
class SourceValidationHook(AfterValidationHook):
    """Evaluate held-out labelled images of the source.

    Adds every figure of the evaluator to the metrics of each validation, with
    the prefix ``source_``: ``source_mIoU``, ``source_aAcc`` and so on.

    Args:
        dataloader: Config of a data loader over labelled source images that are
            not trained on. Its sampler is set by the hook.
        evaluator: Config of one metric or a list of them, as ``val_evaluator``.

    Raises:
        ValueError: Before training: it has no validation, or the images have no
            labels.
    """

    def __init__(self, dataloader: dict, evaluator: dict | list[dict]) -> None:
        super().__init__(dataloader)
        self._evaluator_cfg = evaluator
        self._evaluator: Evaluator | None = None

    def prepare(self, runner) -> None:
        """Build evaluator and data loader.

        Args:
            runner: The runner.
        """
        self._evaluator = runner.build_evaluator(self._evaluator_cfg)
        super().prepare(runner)
        self._evaluator.dataset_meta = self._dataloader.dataset.metainfo

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse images without labels."""
        names = sample['data_samples'].all_keys()
        if not any(name.startswith('gt_') for name in names):
            raise ValueError(
                'SourceValidationHook.dataloader gives images without labels; '
                'put LoadLabelIds or LoadAnnotations into the pipeline of its '
                'dataset, before PackSegInputs'
            )

    def measure(self, runner, dataloader: DataLoader) -> dict[str, float]:
        """Evaluate all images; see the class."""
        for batch in dataloader:
            self._evaluator.process(
                data_samples=runner.model.val_step(batch), data_batch=batch
            )
        figures = self._evaluator.evaluate(len(dataloader.dataset))
        return {f'{_PREFIX}{name}': value for name, value in figures.items()}
