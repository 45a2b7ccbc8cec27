"""Label images with a trained network."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from segda_mm.datasets.ego_car import EgoCarRegions
from segda_mm.datasets.formats.label_checksums import read_json
from segda_mm.errors import DataError
from segda_mm.files import atomic_file
from segda_mm.ops.panoptic_codes import VOID_CLASS
from segda_mm.ops.pseudo_labels import (
    count_confidences,
    empty_histogram,
    median_thresholds,
    quantize_confidence,
    thresholds_from_histogram,
)
from segda_mm.registry import LABELERS

from .bounded_pool import BoundedPool
from .confidence_files import read_confidences, write_confidences
from .formats import PanopticFormat, SemanticFormat, label_format
from .label_journal import LabelJournal
from .label_statistics import image_statistics, summarize
from .processes import Processes
from .progress import Progress
from .store import LabelStore

THRESHOLDS = 'thresholds.json'
WAITING = 'waiting'
SCOPES = ('image', 'dataset')


@LABELERS.register_module()
class TTALabeler:
    """Writes hard labels of a network for any number of images.

    With test-time augmentation as in Chen et al., "Naive-Student", ECCV 2020,
    where the model is one that averages views, as :class:`SemanticTTA` and
    :class:`PanopticTTA`; of a plain segmentor the labels are those of one view.
    Semantic labels are 8-bit PNGs of train ids, panoptic ones 16-bit PNGs of
    Cityscapes' instance ids.

    Reading, the network and the compression of PNGs overlap: data-loader
    processes read, and threads behind a queue of limited length write, so that
    the memory does not depend on the number of images. The images are shared
    out to all processes of the launcher. Neither their number nor a kill
    changes a label: images are put into batches by their place in the data set
    alone, and images of one batch that differ in size go through the network
    apart. (Batches of another size may turn ties between classes, where the
    device computes them in another way.)

    Args:
        thresholds: None to label every pixel, or ``dict(scope=..., cap=...)``:
            pixels less confident than the median of their class, at most
            ``cap``, become void. ``scope='image'`` takes the medians of each
            image, ``'dataset'`` those of all images: predictions then wait on
            the disk for the thresholds. Of a panoptic label the confidence is
            the probability of the pixel's final class.
        ego_car: Arguments of :class:`EgoCarRegions`, to make the region of the
            own car void; None to leave it. Annotated frames have it too, unless
            ``include_annotated=False`` says otherwise: what is written here is
            never a human's label.
        batch_size: Images that go through the network together, if alike.
        num_workers: Processes that read images; 0 reads between the networks'
            runs.
        num_writers: Threads that compress and write labels.

    Attributes:
        timing: Of the last call, in this process: ``images``, ``seconds``, and
            ``network_seconds`` of them in the network.

    Raises:
        ValueError: ``thresholds`` are none of these.
    """

    def __init__(
        self,
        thresholds: dict | None = None,
        ego_car: dict | None = None,
        batch_size: int = 1,
        num_workers: int = 2,
        num_writers: int = 2,
    ) -> None:
        if thresholds is not None:
            _check_thresholds(thresholds)
        self.thresholds = thresholds
        self.ego_car = None
        if ego_car is not None:
            self.ego_car = {'include_annotated': True, **ego_car}
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.num_writers = num_writers
        self.timing = dict(images=0, seconds=0.0, network_seconds=0.0)

    def label(
        self,
        model: nn.Module,
        dataset: Dataset,
        store: LabelStore,
        settings: dict[str, Any],
        origin: dict[str, str],
        class_names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Label all images of a data set; what is done already is left as it is.

        Args:
            model: A segmentor, or one wrapped for test-time augmentation, in
                evaluation mode on its device.
            dataset: Images without labels; see :func:`image_name`.
            store: Where the labels go. It is claimed for ``settings`` and
                those of the labeler.
            settings: What decides on the labels: weights, model, views.
            origin: Files that these come from, for messages.
            class_names: Of the model's classes; None: their numbers.

        Returns:
            The manifest of the store: ``labels_of`` (``identity``, ``origin``),
            ``images``, and what :func:`summarize` counts.

        Raises:
            DataError: A file of an earlier call is damaged.
            FileNotWrittenError: The disk is full, or the like.
            OtherLabelsError: The store holds labels made with other settings.
            ValueError: The files have no room for the model's classes.
        """
        processes = Processes()
        form = label_format(model)
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        names = [image_name(info, dataset) for info in infos]
        job = _Job(
            names,
            [info.get('annotated_path') for info in infos],
            form,
            store,
            LabelJournal(store.directory, processes.rank),
            self.thresholds,
            self.ego_car,
        )
        identity = dict(settings, format=form.name, **self._identity(names))
        processes.from_main(store.claim, identity, origin)
        self.timing = dict(images=0, seconds=0.0, network_seconds=0.0)

        state = processes.from_main(job.begin)
        if state is None:
            return processes.from_main(store.manifest)
        begin = time.perf_counter()
        if job.scope == 'dataset':
            self._collect(model, dataset, job, state, processes)
            self._write_collected(job, state, processes)
        else:
            self._write_directly(model, dataset, job, state, processes)
        self.timing['seconds'] = time.perf_counter() - begin
        processes.wait()
        manifest = processes.from_main(job.finish, class_names)
        self._tell_timing()
        return manifest

    def _identity(self, names: Sequence[str]) -> dict[str, Any]:
        identity = dict(thresholds=self.thresholds, ego_car=self.ego_car)
        if self.thresholds is not None and self.thresholds['scope'] == 'dataset':
            # The thresholds depend on all of the images.
            digest = sha256('\n'.join(sorted(names)).encode()).hexdigest()
            identity['images_of_thresholds'] = f'{len(names)} images ({digest[:16]})'
        return identity

    def _write_directly(self, model, dataset, job, state, processes) -> None:
        todo = set(state.todo)
        loader = self._loader(dataset, todo, processes)
        with self._pool() as pool:
            for index, *prediction in self._predictions(model, loader, job):
                if index in todo:
                    pool.submit(job.write, index, *prediction)

    def _collect(self, model, dataset, job, state, processes) -> None:
        """Predict what has to wait for the thresholds, and find these."""
        waiting = set(state.waiting)
        loader = self._loader(dataset, set(state.todo) - waiting, processes)
        needs_thresholds = not state.has_thresholds
        if needs_thresholds:
            # A pool of its own: the loader forks, best without threads around.
            with self._pool() as pool:
                for index in state.waiting[processes.rank :: processes.count]:
                    pool.submit(job.count_waiting, index)
        with self._pool() as pool:
            for index, *prediction in self._predictions(model, loader, job):
                if index in loader.wanted:
                    pool.submit(job.keep_waiting, index, *prediction)
        if needs_thresholds:
            processes.sum(job.histogram)
            processes.from_main(job.settle_thresholds)
        processes.wait()

    def _write_collected(self, job, state, processes) -> None:
        job.load_levels()
        mine = state.todo[processes.rank :: processes.count]
        with self._pool() as pool:
            for index in mine:
                pool.submit(job.write_waiting, index)

    def _pool(self) -> BoundedPool:
        return BoundedPool(self.num_writers, waiting=self.num_writers)

    def _loader(self, dataset, wanted: set[int], processes) -> _Loader:
        size = self.batch_size
        starts = sorted({index // size * size for index in wanted})
        batches = [
            list(range(start, min(start + size, len(dataset))))
            for start in starts[processes.rank :: processes.count]
        ]
        return _Loader(dataset, batches, wanted, self.num_workers)

    @torch.no_grad()
    def _predictions(
        self, model: nn.Module, loader: _Loader, job: _Job
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
        progress = Progress('Labelled', sum(map(len, loader.batches)))
        for indices, inputs in loader:
            for group in _alike(inputs):
                begin = time.perf_counter()
                samples = model.test_step(pseudo_collate([inputs[i] for i in group]))
                predictions = [job.prediction(sample) for sample in samples]
                # The samples may belong to the next view's, or image's, maps.
                del samples
                self.timing['network_seconds'] += time.perf_counter() - begin
                for place, prediction in zip(group, predictions):
                    yield indices[place], *prediction
            self.timing['images'] += len(indices)
            progress.step(len(indices))

    def _tell_timing(self) -> None:
        timing = self.timing
        if timing['images']:
            share = timing['network_seconds'] / timing['seconds']
            print_log(
                f'Labelled {timing["images"]} images in {timing["seconds"]:.1f} s, '
                f'{share:.0%} of it in the network',
                logger='current',
            )


class _State(NamedTuple):
    """What there is to do, as the main process found it."""

    #: Places of the images without a label.
    todo: list[int]
    #: Places of those of them whose prediction waits for thresholds.
    waiting: list[int]
    has_thresholds: bool


class _Loader:
    """Batches of a data set, in order, with the places of their images."""

    def __init__(
        self,
        dataset: Dataset,
        batches: list[list[int]],
        wanted: set[int],
        num_workers: int,
    ) -> None:
        self.batches = batches
        self.wanted = wanted
        self._loader = DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=num_workers if batches else 0,
            collate_fn=list,
        )

    def __iter__(self) -> Iterator[tuple[list[int], list[dict]]]:
        for place, inputs in enumerate(self._loader):
            yield self.batches[place], inputs


class _Job:
    """What happens to a prediction: one image at a time, in any thread."""

    def __init__(
        self,
        names: list[str],
        annotated_paths: list[str | None],
        form: SemanticFormat | PanopticFormat,
        store: LabelStore,
        journal: LabelJournal,
        thresholds: dict | None,
        ego_car: dict | None,
    ) -> None:
        self.names = names
        self.annotated_paths = annotated_paths
        self.form = form
        self.store = store
        self.journal = journal
        self.scope = None if thresholds is None else thresholds['scope']
        self.cap = None if thresholds is None else thresholds['cap']
        self.ego_car = None if ego_car is None else EgoCarRegions(**ego_car)
        self.levels: np.ndarray | None = None
        counted_classes = form.num_classes if self.scope == 'dataset' else 0
        self.histogram = empty_histogram(counted_classes)
        self._lock = Lock()

    # What the main process does.

    def begin(self) -> _State | None:
        """Find out what is left to do; None if nothing is."""
        self.store.directory.mkdir(parents=True, exist_ok=True)
        self.journal.merge()
        known = self.journal.entries()
        missing = set(self.store.missing(self.names))
        missing |= self._set_changed_aside(known, missing)
        todo = [
            index
            for index, name in enumerate(self.names)
            if name in missing or name not in known
        ]
        manifest = self.store.manifest()
        if not todo and manifest and manifest['images'] == sorted(self.names):
            self._clean_up()
            return None
        if self.scope == 'dataset' and len(todo) < len(self.names):
            # Of the images that are left alone, they would come out otherwise.
            self._read_thresholds()
        self.store.begin()
        print_log(
            f'Labelling {len(todo)} of {len(self.names)} images in '
            f'{self.store.directory}',
            logger='current',
        )
        waiting = [index for index in todo if self._waiting(index).is_file()]
        return _State(todo, waiting, self._thresholds_file.is_file())

    def _set_changed_aside(self, known: dict[str, dict], missing: set[str]) -> set[str]:
        """Put labels out of the way that somebody or something has changed."""
        written = {
            name: known[name]['sha256']
            for name in self.names
            if name in known and name not in missing
        }
        changed = self.store.changed(written)
        if changed:
            self.store.set_aside(changed)
            first = self.store.path(changed[0])
            print_log(
                f'{len(changed)} labels are not what was written here, the first is '
                f'{first}: they are made again, and the changed files kept as '
                f'{first.name}.changed and so on',
                logger='current',
                level=logging.WARNING,
            )
        return set(changed)

    def settle_thresholds(self) -> None:
        """Turn the histogram of all processes into thresholds, once."""
        levels, thresholds = thresholds_from_histogram(self.histogram, self.cap)
        content = dict(levels=levels.tolist(), thresholds=thresholds.tolist())
        with atomic_file(self._thresholds_file) as unfinished:
            unfinished.write_text(json.dumps(content))

    def finish(self, class_names: Sequence[str] | None) -> dict[str, Any]:
        """Write the manifest."""
        self.journal.merge()
        entries = self.journal.entries()
        count = self.form.num_classes
        if class_names is None or len(class_names) != count:
            class_names = [str(index) for index in range(count)]
        thresholds = None
        if self.scope == 'dataset':
            thresholds = self._read_thresholds()['thresholds']
        content = dict(
            labels_of=self.store.claimed(),
            **summarize(
                (entries[name] for name in sorted(self.names)), class_names, thresholds
            ),
        )
        checksums = {name: entries[name]['sha256'] for name in self.names}
        self.store.finish(checksums, content)
        self._clean_up()
        return self.store.manifest()

    def _clean_up(self) -> None:
        shutil.rmtree(self.store.directory / WAITING, ignore_errors=True)
        # Of processes that were killed while they wrote.
        for left in self.store.directory.rglob('.*.unfinished'):
            left.unlink()

    # What happens in the network's thread.

    def prediction(self, sample: SegDataSample) -> tuple[np.ndarray, np.ndarray | None]:
        """Fetch a prediction and, where thresholds need it, its confidence."""
        prediction = self.form.prediction(sample)
        confidence = None
        if self.scope is not None:
            classes = self.form.classes_of_prediction(prediction)
            confidence = _confidence(sample.seg_logits.data, classes).cpu().numpy()
        return prediction.cpu().numpy(), confidence

    # What happens in the writers' threads.

    def write(
        self, index: int, prediction: np.ndarray, confidence: np.ndarray | None
    ) -> None:
        """Write the label of an image."""
        values, classes = self._values(index, prediction)
        predicted = classes
        if self.scope == 'image':
            values = self._mask_by_image(values, classes, confidence)
        self._write(index, values, predicted)

    def keep_waiting(
        self, index: int, prediction: np.ndarray, confidence: np.ndarray
    ) -> None:
        """Let a prediction wait for the thresholds, and count it."""
        values, classes = self._values(index, prediction)
        levels = quantize_confidence(torch.from_numpy(confidence), self.cap)
        path = self._waiting(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_confidences(path, torch.from_numpy(values.astype(np.int32)), levels)
        self._count(classes, levels)

    def count_waiting(self, index: int) -> None:
        """Count a prediction that an earlier, killed call has left."""
        values, levels = self._read_waiting(index)
        self._count(self.form.classes_of_values(values), levels)

    def write_waiting(self, index: int) -> None:
        """Write the label of a prediction that waited for the thresholds."""
        values, levels = self._read_waiting(index)
        classes = self.form.classes_of_values(values)
        masked = self._masked(values, classes, levels.numpy(), self.levels)
        self._write(index, masked, classes)
        self._waiting(index).unlink()

    def load_levels(self) -> None:
        """Read the thresholds that the main process has settled."""
        # As the last of them one for void.
        self.levels = np.array([*self._read_thresholds()['levels'], 0])

    def _values(
        self, index: int, prediction: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        values = self.form.values(prediction)
        if self.ego_car is not None:
            region = self.ego_car.region(
                self.names[index], values.shape, self.annotated_paths[index]
            )
            if region is not None:
                values = values.copy()
                values[region] = self.form.void
        return values, self.form.classes_of_values(values)

    def _mask_by_image(
        self, values: np.ndarray, classes: np.ndarray, confidence: np.ndarray
    ) -> np.ndarray:
        # Void takes part as one class more, which is cheaper than to leave it out.
        void = self.form.num_classes
        thresholds = median_thresholds(
            torch.from_numpy(confidence)[None],
            torch.from_numpy(np.minimum(classes, void))[None],
            void + 1,
            self.cap,
            'image',
        )
        return self._masked(values, classes, confidence, thresholds[0].numpy())

    def _masked(
        self,
        values: np.ndarray,
        classes: np.ndarray,
        confidence: np.ndarray,
        thresholds: np.ndarray,
    ) -> np.ndarray:
        # Void pixels are compared too, with the last threshold, and stay void.
        limits = thresholds[np.minimum(classes, self.form.num_classes)]
        return np.where(confidence < limits, values.dtype.type(self.form.void), values)

    def _count(self, classes: np.ndarray, levels: Tensor) -> None:
        known = torch.from_numpy(classes != VOID_CLASS)
        labels = torch.from_numpy(classes)
        if not known.all():
            levels, labels = levels[known], labels[known]
        with self._lock:
            count_confidences(self.histogram, levels, labels)

    def _write(self, index: int, values: np.ndarray, predicted: np.ndarray) -> None:
        name = self.names[index]
        checksum = self.store.write(name, values)
        statistics = image_statistics(
            self.form, predicted, values, self.scope is not None
        )
        self.journal.add(name, checksum, statistics)

    def _read_waiting(self, index: int) -> tuple[np.ndarray, Tensor]:
        values, levels = read_confidences(self._waiting(index))
        dtype = np.uint16 if self.form.has_instances else np.uint8
        return values.numpy().astype(dtype), levels

    def _waiting(self, index: int) -> Path:
        return self.store.directory / WAITING / f'{self.names[index]}.npy.gz'

    def _read_thresholds(self) -> dict[str, list]:
        remedy = (
            'The labels of all images depend on it: label into another folder, or '
            'remove this one'
        )
        content = read_json(self._thresholds_file, remedy)
        if content is None:
            raise DataError('is gone', file=self._thresholds_file, remedy=remedy)
        return content

    @property
    def _thresholds_file(self) -> Path:
        return self.store.directory / THRESHOLDS


def image_name(info: dict[str, Any], dataset: Dataset) -> str:
    """Path of an image relative to the root of the images.

    Args:
        info: Its data info: ``relative_path``, as all data sets of this package
            have it, or ``img_path``.
        dataset: In the latter case, one of mmseg's with
            ``data_prefix['img_path']``.

    Raises:
        ValueError: The image does not lie below that folder.
    """
    if 'relative_path' in info:
        return info['relative_path']
    root = Path(dataset.data_prefix['img_path'])
    return Path(info['img_path']).relative_to(root).as_posix()


def _alike(inputs: list[dict]) -> list[list[int]]:
    """Places of the images that can be stacked: those of equal sizes."""
    groups: dict[tuple, list[int]] = {}
    for place, image in enumerate(inputs):
        views = image['inputs']
        views = views if isinstance(views, list | tuple) else [views]
        shapes = tuple(tuple(view.shape) for view in views)
        groups.setdefault(shapes, []).append(place)
    return list(groups.values())


def _confidence(logits: Tensor, classes: Tensor) -> Tensor:
    """Probability of each pixel's class, (H, W); anything where it is void."""
    if len(logits) > 1:
        probabilities = logits.softmax(dim=0)
    else:
        # Of a single channel mmseg stores the foreground's probability.
        probabilities = torch.cat([1 - logits, logits])
    classes = classes.clamp(max=len(probabilities) - 1)
    return probabilities.gather(0, classes[None])[0]


def _check_thresholds(thresholds: dict) -> None:
    if set(thresholds) != {'scope', 'cap'} or thresholds['scope'] not in SCOPES:
        raise ValueError(
            f'thresholds are {thresholds}, but must be None or dict(scope=, cap=) '
            f'with one of the scopes {", ".join(SCOPES)}'
        )
    if not 0 < thresholds['cap'] <= 1:
        raise ValueError(
            f'the cap of the thresholds is {thresholds["cap"]}, but must be a '
            'probability in (0, 1]'
        )
