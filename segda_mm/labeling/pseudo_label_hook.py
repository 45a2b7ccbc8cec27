"""Label the target training set with the model that is being trained."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import (
    all_gather_object,
    all_reduce,
    barrier,
    get_rank,
    is_main_process,
)
from mmengine.hooks import Hook
from torch import Tensor

from segda_mm.ops.pseudo_labels import (
    count_confidences,
    empty_histogram,
    kept_pixels,
    mask_low_confidence,
    quantize_confidence,
    thresholds_from_histogram,
)
from segda_mm.registry import HOOKS

from .bounded_pool import BoundedPool
from .confidence_files import read_confidences, write_confidences
from .store import LabelStore

NUM_WRITERS = 2


@HOOKS.register_module()
class MedianThresholdPseudoLabelHook(Hook):
    """Pseudo-label the target training images at the start of some epochs.

    A class's threshold is the median of the confidences of all pixels of the
    *data set* that are predicted as the class, at most ``cap``; pixels under
    it become void (255). Montresori, Rosini, Vanderputten: "Meta Pseudo Labels
    for Real-Time Semantic Segmentation", section "Pseudo Labels".

    The network runs once over the images. Labels and confidences, in 65,536
    levels over [0, cap], go to temporary files and into one histogram of fixed
    size (10 MB for 19 classes), whose medians are exact to half a level; a
    second pass over the files alone voids the pixels and writes the PNGs to
    ``<work_dir>/<directory>/epoch_<e>/`` together with ``manifest.json``
    (settings; per class: threshold, pixels, kept share). Threads compress both
    kinds of files, the former while the network runs. The target data set of
    the training data loader is then told that folder. Works in several
    processes, each of which labels its share of the images.

    A run resumed within an epoch goes on with the labels made before that
    epoch. Resumed at the very start of a labelling epoch, it makes them again.

    Args:
        dataloader: Config of a data loader over the target training images,
            as ``UnlabeledImageDataset`` with a pipeline without augmentation,
            such as ``LoadImageFromFile``, ``Resize`` and ``PackSegInputs`` with
            ``relative_path`` among its ``meta_keys``. Its sampler is set by
            the hook: each image once, shared out to the processes.
        epochs: Epochs, counted from 0, before which to label.
        cap: Upper limit of the thresholds, in (0, 1].
        directory: Where to write, relative to the work dir.

    Raises:
        ValueError: There is no labelling epoch, or ``cap`` is out of range.
    """

    # Before IterTimerHook, so that labelling does not count as data loading.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        dataloader: dict,
        epochs: Sequence[int] = (0,),
        cap: float = 0.9,
        directory: str = 'pseudo_labels',
    ) -> None:
        if not epochs or min(epochs) < 0:
            raise ValueError(
                f'MedianThresholdPseudoLabelHook.epochs is {epochs!r}; name '
                'the epochs, from 0, before which to make pseudo labels'
            )
        if not 0 < cap <= 1:
            raise ValueError(
                f'MedianThresholdPseudoLabelHook.cap is {cap}, '
                'but must be a probability in (0, 1]'
            )
        self.epochs = sorted(epochs)
        self.cap = cap
        self.directory = directory
        self._dataloader_cfg = {
            **dataloader,
            'sampler': dict(type='DefaultSampler', shuffle=False, round_up=False),
        }

    def before_train_epoch(self, runner) -> None:
        """Make labels if it is time, and point the target data set to them.

        Args:
            runner: The runner.
        """
        past = [epoch for epoch in self.epochs if epoch <= runner.epoch]
        if not past:
            return
        epoch = past[-1]
        store = LabelStore(Path(runner.work_dir, self.directory, f'epoch_{epoch}'))
        begun = runner.iter > epoch * len(runner.train_dataloader)
        if not begun:
            self._label(runner, store, epoch)
        elif not _is_complete_everywhere(store):
            runner.logger.warning(
                f'the pseudo labels of epoch {epoch} in {store.directory} are '
                'gone or incomplete: making new ones with the current model. '
                'The result will differ from that of an uninterrupted run'
            )
            self._label(runner, store, epoch)
        for dataset in _target_datasets(runner.train_dataloader.dataset):
            dataset.pseudo_label_dir = str(store.directory)

    def _label(self, runner, store: LabelStore, epoch: int) -> None:
        if is_main_process():
            store.begin()
        # One folder a process: what a killed run has left goes with it.
        streamed = store.directory / f'unfinished_{get_rank()}'
        shutil.rmtree(streamed, ignore_errors=True)
        streamed.mkdir(parents=True)
        # Not built with the hook: a run that only validates has no use for it.
        dataloader = runner.build_dataloader(self._dataloader_cfg, seed=runner.seed)
        runner.logger.info(
            f'Making pseudo labels of {len(dataloader.dataset)} target images '
            f'for epoch {epoch} in {store.directory}'
        )

        histogram, names = self._stream_predictions(runner, dataloader, streamed)
        all_reduce(histogram)
        levels, thresholds = thresholds_from_histogram(histogram, self.cap)
        checksums = {}

        def write_label(index: int, name: str) -> None:
            file = streamed / f'{index}.npy.gz'
            labels, confidence = read_confidences(file)
            file.unlink()
            kept = mask_low_confidence(labels[None], confidence[None], levels[None])
            checksums[name] = store.write(name, kept[0].numpy().astype(np.uint8))

        with _writers() as writers:
            for index, name in enumerate(names):
                writers.submit(write_label, index, name)
        shutil.rmtree(streamed)

        # Gathering also waits until every process has written its labels.
        all_checksums = {
            name: checksum
            for part in all_gather_object(checksums)
            for name, checksum in part.items()
        }
        if is_main_process():
            classes = dataloader.dataset.metainfo.get('classes')
            store.finish(
                all_checksums,
                self._manifest(runner, epoch, histogram, levels, thresholds, classes),
            )
        barrier()
        pixels = histogram.sum()
        kept_ratio = float(kept_pixels(histogram, levels).sum() / pixels)
        runner.message_hub.update_scalar('train/pseudo.kept_ratio', kept_ratio)
        runner.logger.info(
            f'Pseudo labels keep {kept_ratio:.1%} of the {int(pixels)} target pixels'
        )

    @torch.no_grad()
    def _stream_predictions(
        self, runner, dataloader, directory: Path
    ) -> tuple[Tensor, list[str]]:
        """Predict this process's images; files and histogram take the rest."""
        histogram, names = None, []
        was_training = runner.model.training
        runner.model.eval()
        with _writers() as writers:
            for batch in dataloader:
                for sample in runner.model.test_step(batch):
                    probabilities = sample.seg_logits.data.softmax(dim=0)
                    confidence, labels = probabilities.max(dim=0)
                    levels = quantize_confidence(confidence, self.cap)
                    if histogram is None:
                        histogram = empty_histogram(
                            len(probabilities), probabilities.device
                        )
                    count_confidences(histogram, levels, labels)
                    writers.submit(
                        write_confidences,
                        directory / f'{len(names)}.npy.gz',
                        labels.cpu(),
                        levels.cpu(),
                    )
                    names.append(_relative_path(sample))
        runner.model.train(was_training)
        return self._agree_on_shape(histogram), names

    @staticmethod
    def _agree_on_shape(histogram: Tensor | None) -> Tensor:
        """A process without an image still takes part in the sum."""
        shapes = all_gather_object(
            None if histogram is None else tuple(histogram.shape)
        )
        shape = next((shape for shape in shapes if shape is not None), None)
        if shape is None:
            raise ValueError(
                'MedianThresholdPseudoLabelHook.dataloader has no image; '
                'check the folder its dataset names'
            )
        return empty_histogram(shape[0]) if histogram is None else histogram.cpu()

    def _manifest(
        self,
        runner,
        epoch: int,
        histogram: Tensor,
        levels: Tensor,
        thresholds: Tensor,
        classes: Sequence[str] | None,
    ) -> dict:
        pixels = histogram.sum(1)
        kept = kept_pixels(histogram, levels)
        names = classes or [str(index) for index in range(len(pixels))]
        return dict(
            epoch=epoch,
            iteration=runner.iter,
            seed=runner.seed,
            cap=self.cap,
            kept_share=float(kept.sum() / pixels.sum()),
            classes=[
                dict(
                    name=name,
                    threshold=float(threshold),
                    pixels=int(count),
                    kept_share=float(kept_count / count) if count else None,
                )
                for name, threshold, count, kept_count in zip(
                    names, thresholds, pixels, kept
                )
            ],
        )


def _writers() -> BoundedPool:
    """Threads that compress files while the network runs."""
    return BoundedPool(NUM_WRITERS, waiting=NUM_WRITERS)


def _relative_path(sample) -> str:
    if 'relative_path' not in sample.metainfo:
        raise KeyError(
            'a sample of MedianThresholdPseudoLabelHook.dataloader has no '
            '`relative_path`; use UnlabeledImageDataset and add '
            "'relative_path' to meta_keys of PackSegInputs in its pipeline"
        )
    return sample.relative_path


def _is_complete_everywhere(store: LabelStore) -> bool:
    """The main process's answer: all processes must take the same branch."""
    return all_gather_object(store.is_complete())[0]


def _target_datasets(dataset) -> list:
    """The data sets inside of ``dataset`` that can read pseudo labels.

    Raises:
        TypeError: There is none.
    """
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
