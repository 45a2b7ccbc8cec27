"""Label the target training set with the model that is being trained."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from segda_mm.engine.distributed import unwrapped
from segda_mm.engine.image_pass import undisturbed
from segda_mm.models.checkpoints import load_network_weights, sha256_of_file
from segda_mm.registry import DATASETS, HOOKS

from .processes import Processes
from .store import LabelStore
from .tta_labeler import TTALabeler

#: The rule of the paper.
CLASS_MEDIAN = dict(type='ClassMedian', cap=0.9, scope='dataset')


@HOOKS.register_module()
class MedianThresholdPseudoLabelHook(Hook):
    """Pseudo-label the target training images at the start of some epochs.

    A class's threshold is the median of the confidences of all pixels of the
    *data set* that are predicted as the class, at most ``cap``; pixels under
    it become void (255). Montresori, Rosini, Vanderputten: "Meta Pseudo Labels
    for Real-Time Semantic Segmentation", section "Pseudo Labels".

    Labels and manifest go to ``<work_dir>/<directory>/epoch_<e>/``, and the target
    data set of the training is told that folder. Processes share the images. A run
    resumed within an epoch goes on with the labels made before that epoch.

    Args:
        dataloader: ``dataset``, the config of the target training images with a
            pipeline without augmentation, and ``batch_size``, ``num_workers`` and
            ``num_writers`` as :class:`TTALabeler` takes them.
        epochs: Epochs, counted from 0, before which to label.
        pseudo_labeler: As :class:`TTALabeler` takes it.
        directory: Where to write, relative to the work dir.
        checkpoint: Of another training, which labels in the place of the model that
            is trained, so that this one may start afresh ("retrain the second
            model"). None: the model labels its own images and goes on.
        checkpoint_prefix: What the keys of the segmentor begin with in that file, as
            for :class:`SegmentorGenerator`.

    Raises:
        ValueError: One checkpoint is to label before several epochs.
    """

    # Before IterTimerHook, so that labelling does not count as data loading.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        dataloader: dict,
        epochs: Sequence[int] = (0,),
        pseudo_labeler: dict | None = CLASS_MEDIAN,
        directory: str = 'pseudo_labels',
        checkpoint: str | None = None,
        checkpoint_prefix: str = '',
    ) -> None:
        if checkpoint is not None and len(epochs) > 1:
            name = type(self).__name__
            raise ValueError(
                f'{name}.epochs is {epochs!r}, but {name}.checkpoint would make the '
                'same labels each time; name one epoch, or checkpoint=None'
            )
        settings = dict(dataloader)
        # Built when it is needed: a run that only validates has no use for it.
        self._dataset = settings.pop('dataset')
        self._labeler = TTALabeler(pseudo_labeler, **settings)
        self.epochs = epochs
        self.directory = directory
        self.checkpoint = checkpoint
        self.checkpoint_prefix = checkpoint_prefix

    def before_train_epoch(self, runner: Runner) -> None:
        """Make labels if it is time, and point the target data set to them."""
        epoch = max((e for e in self.epochs if e <= runner.epoch), default=None)
        if epoch is None:
            return
        store = LabelStore(Path(runner.work_dir, self.directory, f'epoch_{epoch}'))
        begun = runner.iter > epoch * len(runner.train_dataloader)
        if not begun:
            self._label(runner, store, epoch)
        elif not Processes().from_main(store.is_complete):
            runner.logger.warning(
                f'the pseudo labels of epoch {epoch} in {store.directory} are '
                'gone or incomplete: making new ones with the current model. '
                'The result will differ from that of an uninterrupted run'
            )
            self._label(runner, store, epoch)
        for dataset in _target_datasets(runner.train_dataloader.dataset):
            dataset.pseudo_label_dir = str(store.directory)

    def _label(self, runner: Runner, store: LabelStore, epoch: int) -> None:
        Processes().from_main(_clear, store)
        dataset = DATASETS.build(copy.deepcopy(self._dataset))
        settings = dict(epoch=epoch, iteration=runner.iter, seed=runner.seed)
        with undisturbed(runner.model):
            model = runner.model
            if self.checkpoint is not None:
                settings['checkpoint'] = f'sha256 {sha256_of_file(self.checkpoint)}'
                model = self._teacher(model, self.checkpoint)
            manifest = self._labeler.label(
                model,
                dataset,
                store,
                settings=settings,
                origin=dict(images=_root(dataset)),
                class_names=dataset.metainfo.get('classes'),
                palette=dataset.metainfo.get('palette'),
            )
        kept = 1 - manifest['void_share']
        runner.message_hub.update_scalar('train/pseudo.kept_ratio', kept)
        runner.message_hub.update_scalar(
            'train/pseudo.confidence', manifest['confidence']
        )
        runner.logger.info(
            f'Pseudo labels of epoch {epoch} keep {kept:.1%} of the '
            f'{manifest["area"]} target pixels'
        )

    def _teacher(self, model: nn.Module, checkpoint: str) -> nn.Module:
        """A copy of the model with the weights of a checkpoint."""
        teacher = copy.deepcopy(unwrapped(model))
        segmentor = getattr(teacher, 'deployed', teacher)
        load_network_weights(segmentor, checkpoint, self.checkpoint_prefix)
        return teacher


def _root(dataset: BaseDataset) -> str:
    """The folder that the names of the images begin at."""
    info = dataset.get_data_info(0)
    return info['img_path'].removesuffix(info.get('relative_path', ''))


def _clear(store: LabelStore) -> None:
    store.begin()
    shutil.rmtree(store.directory, ignore_errors=True)


def _target_datasets(dataset: BaseDataset) -> list[BaseDataset]:
    found, waiting = [], [dataset]
    while waiting:
        dataset = waiting.pop()
        if hasattr(dataset, 'pseudo_label_dir'):
            found.append(dataset)
        elif hasattr(dataset, 'target'):
            waiting.append(dataset.target)
        elif hasattr(dataset, 'dataset'):
            waiting.append(dataset.dataset)
        else:
            waiting.extend(getattr(dataset, 'datasets', []))
    if not found:
        raise TypeError(
            'MedianThresholdPseudoLabelHook makes labels, but no data set in '
            'train_dataloader.dataset can read them; use '
            "DomainPairDataset with target=dict(type='UnlabeledImageDataset', "
            '...) and LoadPseudoLabels in its pipeline'
        )
    return found
