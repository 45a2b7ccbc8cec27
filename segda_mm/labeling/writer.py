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
from .store import LabelJournal, LabelStore
from .waiting import WaitingPredictions


class Prediction(NamedTuple):
    """What a network says of an image.

    ``prediction``, (H, W), as the format gives it; ``confidence``, (H, W), the
    probability of each pixel's class, None where nothing asks for it.
    """

    image: str
    prediction: np.ndarray
    confidence: np.ndarray | None


class _Todo(NamedTuple):
    """Images without a label, those of them that wait for thresholds, and the rest."""

    images: list[str]
    waiting: list[str]
    unseen: list[str]
    has_thresholds: bool


class LabelWriter:
    """Writes the labels of a set of images; a killed call is gone on with.

    A prediction becomes a label at once, unless the pseudo labeler needs all images
    for its thresholds. Predictions then wait on the disk, their confidences in 65,536
    levels, which are counted in one histogram (10 MB for 19 classes). A second pass
    over these files alone makes pixels void and writes the labels. Memory does not
    depend on the number of images, nor any file on that of the processes.

    Args:
        store: Where the labels go.
        form: What the files hold.
        images: Names of all images, those that are labelled already too.
        pseudo_labeler: Makes pixels void; None keeps every pixel.
        own_car: Of an image's name and shape, the pixels (H, W) bool that show
            the own car and become void, or None.
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
        self.store = store
        self.form = form
        self.images = images
        self.pseudo_labeler = pseudo_labeler
        self._own_car = own_car
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
        class_names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Write the labels that are not there yet.

        Args:
            predict: Of the names of images, predictions of this process's share of
                them, maybe with other images among them.
            identity: What decides on the labels, see :meth:`LabelStore.claim`.
            origin: Where they come from.
            class_names: Of the C classes; None: their numbers.

        Returns:
            The manifest: ``labels_of`` (``identity``, ``origin``), ``images``,
            ``checksums``, and what :func:`summarize` counts.

        Raises:
            DataError: A file of an earlier call is damaged.
            FileNotWrittenError: The disk is full, or the like.
            OtherLabelsError: The store holds labels of another identity.
        """
        main = self._processes.from_main
        main(self.store.claim, identity, origin)
        todo = main(self._begin)
        if todo is not None:
            if self._has_two_passes:
                self._first_pass(predict, todo)
                self._second_pass(todo)
            else:
                self._submit(self._write_at_once, predict, todo.images)
            self._processes.wait()
            main(self._finish, class_names)
        return main(self.store.manifest)

    def _begin(self) -> _Todo | None:
        """Find out what is left to do; None if nothing is."""
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
        waiting, unseen = [], []
        for image in images:
            waits = self._waiting.file(image).is_file()
            (waiting if waits else unseen).append(image)
        return _Todo(images, waiting, unseen, self._waiting.has_thresholds())

    def _set_aside(self, changed: list[str]) -> None:
        """Put labels out of the way that somebody or something has changed."""
        for path in map(self.store.path, changed):
            path.replace(f'{path}.changed')
        first = self.store.path(changed[0])
        print_log(
            f'{len(changed)} labels are not what was written here, the first is '
            f'{first}: they are made again, and the changed files kept as '
            f'{first.name}.changed and so on',
            logger='current',
            level=logging.WARNING,
        )

    def _settle_thresholds(self) -> None:
        found = self.pseudo_labeler.levels_and_thresholds(self._histogram)
        self._waiting.settle(*found)

    def _finish(self, class_names: Sequence[str] | None) -> None:
        self._journal.merge()
        entries = self._journal.entries()
        count = self.form.num_classes
        if class_names is None or len(class_names) != count:
            class_names = [str(index) for index in range(count)]
        thresholds = None
        if self._has_two_passes:
            thresholds = self._waiting.thresholds()['thresholds']
        figures = summarize(
            (entries[image] for image in sorted(self.images)), class_names, thresholds
        )
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

    def _submit(
        self, function: Callable, predict: Callable, images: Sequence[str]
    ) -> None:
        wanted = set(images)
        with self._pool() as pool:
            for prediction in predict(wanted):
                if prediction.image in wanted:
                    pool.submit(function, prediction)

    def _first_pass(self, predict: Callable, todo: _Todo) -> None:
        """Predict what has to wait for the thresholds, and find these."""
        if not todo.has_thresholds:
            # A pool of its own: data loaders fork, best without threads around.
            with self._pool() as pool:
                for image in self._share(todo.waiting):
                    pool.submit(self._count_waiting, image)
        self._submit(self._keep_waiting, predict, todo.unseen)
        if not todo.has_thresholds:
            self._processes.sum(self._histogram)
            self._processes.from_main(self._settle_thresholds)
        self._processes.wait()

    def _second_pass(self, todo: _Todo) -> None:
        """Write the labels of all that waits."""
        # As the last of them one for void, which no pixel is under.
        levels = torch.tensor([*self._waiting.thresholds()['levels'], 0])
        with self._pool() as pool:
            for image in self._share(todo.images):
                pool.submit(self._write_waiting, image, levels)

    def _pool(self) -> BoundedPool:
        return BoundedPool(self._num_writers)

    def _share(self, images: Sequence[str]) -> Sequence[str]:
        return images[self._processes.rank :: self._processes.count]

    def _write_at_once(self, prediction: Prediction) -> None:
        values, classes = self._values(prediction)
        kept = values
        if self.pseudo_labeler is not None:
            labels = self._labels(classes)
            confidence = torch.from_numpy(prediction.confidence)
            trusted, _ = self.pseudo_labeler(
                confidence[None], labels[None], self.form.num_classes + 1
            )
            kept = self._masked(values, trusted[0])
        self._write(prediction.image, kept, classes)

    def _keep_waiting(self, prediction: Prediction) -> None:
        values, classes = self._values(prediction)
        levels = self.pseudo_labeler.levels(torch.from_numpy(prediction.confidence))
        self._waiting.write(prediction.image, values, levels)
        self._count(classes, levels)

    def _count_waiting(self, image: str) -> None:
        """Count a prediction that an earlier, killed call has left."""
        values, levels = self._waiting.read(image, self.form.dtype)
        self._count(self.form.classes_of_values(values), levels)

    def _write_waiting(self, image: str, class_levels: Tensor) -> None:
        values, levels = self._waiting.read(image, self.form.dtype)
        classes = self.form.classes_of_values(values)
        trusted = self.pseudo_labeler.keep(
            self._labels(classes)[None], levels[None], class_levels
        )
        self._write(image, self._masked(values, trusted[0]), classes)
        self._waiting.file(image).unlink()

    def _values(self, prediction: Prediction) -> tuple[np.ndarray, np.ndarray]:
        """What the file would hold of all pixels, and their train ids."""
        values = self.form.values(prediction.prediction)
        region = self._own_car(prediction.image, values.shape)
        if region is not None:
            values = np.where(region, values.dtype.type(self.form.void), values)
        return values, self.form.classes_of_values(values)

    def _labels(self, classes: np.ndarray) -> Tensor:
        """Labels in which void is one class more, cheaper than to leave it out."""
        return torch.from_numpy(np.minimum(classes, self.form.num_classes))

    def _masked(self, values: np.ndarray, trusted: Tensor) -> np.ndarray:
        void = values.dtype.type(self.form.void)
        return np.where(trusted.numpy() == VOID_CLASS, void, values)

    def _count(self, classes: np.ndarray, levels: Tensor) -> None:
        labels = torch.from_numpy(classes)
        known = labels != VOID_CLASS
        with self._lock:
            self.pseudo_labeler.count(self._histogram, levels[known], labels[known])

    def _write(self, image: str, values: np.ndarray, predicted: np.ndarray) -> None:
        may_void = self.pseudo_labeler is not None
        statistics = image_statistics(self.form, predicted, values, may_void)
        self._journal.add(image, self.store.write(image, values), statistics)


def needs_all_images(pseudo_labeler: PseudoLabeler | None) -> bool:
    """Whether a pseudo labeler has no thresholds before all images are seen."""
    return isinstance(pseudo_labeler, ClassMedian) and pseudo_labeler.scope == 'dataset'
