"""Predictions go to disk as labels, in one pass or, where need be, in two."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from segda_mm.methods.pseudo_labelers import ClassMedian, PseudoLabeler
from segda_mm.ops.panoptic_codes import VOID_CLASS

from .formats import SemanticFormat, image_statistics, summarize
from .long_jobs import BoundedPool
from .processes import Processes
from .store import LabelJournal, LabelStore, WaitingPredictions


class Prediction(NamedTuple):
    """Of an image: (H, W) of the format, and each pixel's probability if needed.

    ``mean_confidence`` is the mean of these probabilities.
    """

    image: str
    prediction: np.ndarray
    confidence: np.ndarray | None
    mean_confidence: float


class LabelWriter:
    """Writes the labels of a set of images; a killed call is gone on with.

    A prediction becomes a label at once, unless the pseudo labeler needs all images
    for its thresholds. Predictions then wait on the disk, their confidences in 65,536
    levels, which are counted in one histogram (10 MB for 19 classes). A second pass
    over these files alone makes pixels void and writes the labels.

    Args:
        store: Where the labels go.
        form: What the files hold.
        images: Names of all images, those that are labelled already too.
        pseudo_labeler: Makes pixels void; None keeps every pixel.
        own_car: Of an image's name and shape, the pixels (H, W) bool that become
            void, or None.
        num_writers: Threads of each process.
    """

    def __init__(
        self,
        store: LabelStore,
        form: SemanticFormat,
        images: Sequence[str],
        pseudo_labeler: PseudoLabeler | None,
        own_car: Callable[[str, tuple], np.ndarray | None],
        num_writers: int,
    ) -> None:
        self.store, self.form, self.images = store, form, images
        self.pseudo_labeler, self._own_car = pseudo_labeler, own_car
        self._num_writers = num_writers
        self._processes = Processes()
        self._journal = LabelJournal(store.directory, self._processes.rank)
        self._waiting = WaitingPredictions(store.directory)
        self._lock = Lock()
        self._has_two_passes = needs_all_images(pseudo_labeler)
        if self._has_two_passes:
            self._histogram = pseudo_labeler.statistics(form.num_classes)

    def write(
        self,
        predict: Callable[[set[str]], Iterable[Prediction]],
        identity: dict[str, Any],
        origin: dict[str, str],
        class_names: Sequence[str] | None,
        palette: Sequence[Sequence[int]] | None = None,
    ) -> dict[str, Any]:
        """Write the labels that are not there yet.

        Args:
            predict: Of the names of images, predictions of this process's share of
                them, maybe with other images among them.
            identity: What decides on the labels, see :meth:`LabelStore.claim`.
            origin: Where they come from.
            class_names: Of the C classes; None: their numbers.
            palette: RGB of the C classes, for who looks at the labels.

        Returns:
            The manifest: ``labels_of`` (``identity``, ``origin``), ``images``,
            ``checksums``, and what :func:`summarize` counts.

        Raises:
            DataError: A file of an earlier call is damaged.
            OtherLabelsError: The store holds labels of another identity.
        """
        main = self._processes.from_main
        main(self.store.claim, identity, origin)
        todo = main(self._begin)
        if todo is not None:
            images, waiting = todo
            if self._has_two_passes:
                self._first_pass(predict, set(images) - set(waiting), waiting)
                self._second_pass(images)
            else:
                self._submit(self._write_at_once, predict, set(images))
            self._processes.wait()
            main(self._finish, class_names, palette)
        return main(self.store.manifest)

    def _begin(self) -> tuple[list[str], list[str]] | None:
        """Images without a label, and those of them that wait; None if all is done."""
        self.store.directory.mkdir(parents=True, exist_ok=True)
        self._journal.merge()
        entries = self._journal.entries()
        missing = set(self.store.missing(self.images))
        written = {
            image: entries[image]['sha256']
            for image in self.images
            if image in entries and image not in missing
        }
        changed = self.store.changed(written)
        if changed:
            self._set_aside(changed)
        done = written.keys() - changed
        images = [image for image in self.images if image not in done]
        manifest = self.store.manifest() or {}
        if not images and manifest.get('images') == sorted(self.images):
            self._clean_up()
            return None
        if self._has_two_passes and len(images) < len(self.images):
            # Of the images that are left alone, they would come out otherwise.
            self._waiting.thresholds()
        self.store.begin()
        print_log(
            f'Labelling {len(images)} of {len(self.images)} images in '
            f'{self.store.directory}',
            logger='current',
        )
        return images, [name for name in images if self._waiting.file(name).is_file()]

    def _set_aside(self, changed: list[str]) -> None:
        for path in map(self.store.path, changed):
            path.replace(f'{path}.changed')
        print_log(
            f'{len(changed)} labels are not what was written here, the first is '
            f'{self.store.path(changed[0])}: they are made again, and the changed '
            'files kept as <name>.png.changed',
            logger='current',
            level=logging.WARNING,
        )

    def _settle_thresholds(self) -> None:
        found = self.pseudo_labeler.levels_and_thresholds(self._histogram)
        self._waiting.settle(*found)

    def _finish(
        self,
        class_names: Sequence[str] | None,
        palette: Sequence[Sequence[int]] | None,
    ) -> None:
        self._journal.merge()
        entries = self._journal.entries()
        count = self.form.num_classes
        if class_names is None or len(class_names) != count:
            class_names = list(map(str, range(count)))
        thresholds = None
        if self._has_two_passes:
            thresholds = self._waiting.thresholds()['thresholds']
        figures = summarize(
            [entries[image] for image in self.images], class_names, thresholds
        )
        if palette is not None and len(palette) == count:
            for figure, color in zip(figures['classes'], palette):
                figure['color'] = [int(channel) for channel in color]
        self.store.finish(
            {image: entries[image]['sha256'] for image in self.images},
            dict(labels_of=self.store.claimed(), **figures),
        )
        self._clean_up()

    def _clean_up(self) -> None:
        shutil.rmtree(self._waiting.folder, ignore_errors=True)
        # Of processes that were killed while they wrote.
        for left in self.store.directory.rglob('.*.unfinished'):
            left.unlink()

    def _submit(self, function: Callable, predict: Callable, wanted: set[str]) -> None:
        with BoundedPool(self._num_writers) as pool:
            for prediction in predict(wanted):
                if prediction.image in wanted:
                    pool.submit(function, prediction)

    def _first_pass(
        self, predict: Callable, unseen: set[str], waiting: Sequence[str]
    ) -> None:
        known = self._processes.from_main(self._waiting.thresholds_file.is_file)
        if not known:
            # A pool of its own: data loaders fork, best without threads around.
            with BoundedPool(self._num_writers) as pool:
                for image in self._share(waiting):
                    pool.submit(self._count_waiting, image)
        self._submit(self._keep_waiting, predict, unseen)
        if not known:
            self._processes.sum(self._histogram)
            self._processes.from_main(self._settle_thresholds)
        self._processes.wait()

    def _second_pass(self, images: Sequence[str]) -> None:
        # As the last of them one for void, which no pixel is under.
        levels = torch.tensor([*self._waiting.thresholds()['levels'], 0])
        with BoundedPool(self._num_writers) as pool:
            for image in self._share(images):
                pool.submit(self._write_waiting, image, levels)

    def _share(self, images: Sequence[str]) -> Sequence[str]:
        return images[self._processes.rank :: self._processes.count]

    def _write_at_once(self, prediction: Prediction) -> None:
        values, classes = self._values(prediction)
        kept = values
        if self.pseudo_labeler is not None:
            labels = self._labels(classes)
            confidence = torch.from_numpy(prediction.confidence)
            trusted, _ = self.pseudo_labeler(
                confidence[None], labels, self.form.num_classes + 1
            )
            kept = self._masked(values, trusted)
        self._write(prediction.image, kept, classes, prediction.mean_confidence)

    def _keep_waiting(self, prediction: Prediction) -> None:
        values, classes = self._values(prediction)
        levels = self.pseudo_labeler.levels(torch.from_numpy(prediction.confidence))
        self._waiting.write(
            prediction.image, values, levels, prediction.mean_confidence
        )
        self._count(classes, levels)

    def _count_waiting(self, image: str) -> None:
        """Count a prediction that an earlier, killed call has left."""
        values, levels, _ = self._waiting.read(image, self.form.dtype)
        self._count(self.form.classes_of_values(values), levels)

    def _write_waiting(self, image: str, class_levels: Tensor) -> None:
        values, levels, confidence = self._waiting.read(image, self.form.dtype)
        classes = self.form.classes_of_values(values)
        trusted = self.pseudo_labeler.keep(
            self._labels(classes), levels[None], class_levels
        )
        self._write(image, self._masked(values, trusted), classes, confidence)
        self._waiting.file(image).unlink()

    def _values(self, prediction: Prediction) -> tuple[np.ndarray, np.ndarray]:
        """What the file would hold of all pixels, and their train ids."""
        values = self.form.values(prediction.prediction)
        region = self._own_car(prediction.image, values.shape)
        if region is not None:
            values = np.where(region, values.dtype.type(self.form.void), values)
        return values, self.form.classes_of_values(values)

    def _labels(self, classes: np.ndarray) -> Tensor:
        """Labels, (1, H, W), in which void is a class more: cheaper than without."""
        return torch.from_numpy(np.minimum(classes, self.form.num_classes))[None]

    def _masked(self, values: np.ndarray, trusted: Tensor) -> np.ndarray:
        void = values.dtype.type(self.form.void)
        return np.where(trusted[0].numpy() == VOID_CLASS, void, values)

    def _count(self, classes: np.ndarray, levels: Tensor) -> None:
        labels = torch.from_numpy(classes)
        known = labels != VOID_CLASS
        with self._lock:
            self.pseudo_labeler.count(self._histogram, levels[known], labels[known])

    def _write(
        self, image: str, values: np.ndarray, predicted: np.ndarray, confidence: float
    ) -> None:
        may_void = self.pseudo_labeler is not None
        statistics = image_statistics(self.form, predicted, values, may_void)
        statistics['confidence'] = round(confidence, 4)
        self._journal.add(image, self.store.write(image, values), statistics)


def needs_all_images(pseudo_labeler: PseudoLabeler | None) -> bool:
    """Whether a pseudo labeler has no thresholds before all images are seen."""
    return isinstance(pseudo_labeler, ClassMedian) and pseudo_labeler.scope == 'dataset'
