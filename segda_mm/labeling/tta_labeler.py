"""Label images with a trained network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.dist import get_rank, get_world_size
from mmengine.logging import print_log
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.utils.data import DataLoader

from segda_mm.datasets.ego_car import EgoCarRegions
from segda_mm.methods.pseudo_labelers import PseudoLabeler
from segda_mm.ops.class_probabilities import sample_probabilities
from segda_mm.registry import LABELERS, MODELS

from .formats import SemanticFormat, label_format
from .long_jobs import Progress
from .store import LabelStore
from .writer import LabelWriter, Prediction, needs_all_images


@LABELERS.register_module()
class TTALabeler:
    """Writes hard labels of a network for any number of images.

    With test-time augmentation as in Chen et al., "Naive-Student", ECCV 2020, where
    the model averages views. Semantic labels are 8-bit PNGs of train ids, panoptic
    ones 16-bit PNGs of Cityscapes' instance ids. The processes of a launcher share
    the images; neither their number nor a kill changes a label. ``timing`` has the
    ``images``, ``seconds`` and ``network_seconds`` of the last call.

    Args:
        pseudo_labeler: Config of what makes pixels void, as
            ``dict(type='ClassMedian', cap=0.9, scope='image')``: those less confident
            than the median of their class in the image, or with ``scope='dataset'``
            in all images. None labels every pixel.
        ego_car: Arguments of :class:`EgoCarRegions`, to make the region of the
            own car void, also in annotated frames unless they say otherwise.
        batch_size: Images that go through the network together, if alike.
        num_workers: Processes that read images; 0 reads between the networks' runs.
        num_writers: Threads that compress and write labels.

    Raises:
        ValueError: The pseudo labeler cannot be built, or its decisions do not
            fit into label files.
    """

    def __init__(
        self,
        pseudo_labeler: dict | None = None,
        ego_car: dict | None = None,
        batch_size: int = 1,
        num_workers: int = 2,
        num_writers: int = 2,
    ) -> None:
        self.pseudo_labeler = _build_pseudo_labeler(pseudo_labeler)
        self.ego_car = ego_car and {'include_annotated': True, **ego_car}
        self.batch_size, self.num_workers = batch_size, num_workers
        self.num_writers = num_writers
        self._settings = dict(pseudo_labeler=pseudo_labeler, ego_car=self.ego_car)

    def label(
        self,
        model: nn.Module,
        dataset: BaseDataset,
        store: LabelStore,
        settings: dict[str, Any],
        origin: dict[str, str],
        class_names: Sequence[str] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
    ) -> dict[str, Any]:
        """Label all images of a data set; what is done already is left as it is.

        Args:
            model: A segmentor, maybe wrapped for views, in evaluation mode.
            dataset: Images without labels, whose data infos have ``relative_path``,
                or one of mmseg's with ``data_prefix['img_path']``.
            store: Where the labels go; claimed for ``settings`` and the labeler's own.
            settings: What decides on the labels: weights, model, views.
            origin: Files that these come from, for messages.
            class_names: Of the model's classes; None: their numbers.
            palette: Their colours, RGB, for who looks at the labels.

        Returns and raises what :meth:`LabelWriter.write` does.
        """
        form = label_format(model)
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        images = [_image_name(info, dataset) for info in infos]
        regions = self.ego_car and EgoCarRegions(**self.ego_car)
        annotated = {
            image: info.get('annotated_path') for image, info in zip(images, infos)
        }

        def own_car(image, shape):
            return regions and regions.region(image, shape, annotated[image])

        identity = dict(settings, format=form.name, **self._settings)
        if needs_all_images(self.pseudo_labeler):
            digest = sha256('\n'.join(sorted(images)).encode()).hexdigest()
            identity['images_of_thresholds'] = f'{len(images)} images ({digest[:16]})'
        writer = LabelWriter(
            store, form, images, self.pseudo_labeler, own_car, self.num_writers
        )
        self.timing = dict(images=0, seconds=0.0, network_seconds=0.0)
        begin = time.perf_counter()
        manifest = writer.write(
            lambda wanted: self._predict(model, dataset, form, images, wanted),
            identity,
            origin,
            class_names,
            palette,
        )
        self.timing['seconds'] = time.perf_counter() - begin
        print_log(
            'Labelled {images} images in {seconds:.1f} s, {network_seconds:.1f} s of '
            'it in the network'.format(**self.timing),
            logger='current',
        )
        return manifest

    @torch.no_grad()
    def _predict(
        self,
        model: nn.Module,
        dataset: BaseDataset,
        form: SemanticFormat,
        images: Sequence[str],
        wanted: set[str],
    ) -> Iterator[Prediction]:
        """Predict this process's share of the batches with a wanted image."""
        size = self.batch_size
        batches = [
            list(range(start, min(start + size, len(images))))
            for start in range(0, len(images), size)
            if not wanted.isdisjoint(images[start : start + size])
        ][get_rank() :: get_world_size()]
        loader = DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=self.num_workers if batches else 0,
            collate_fn=list,
        )
        progress = Progress('Labelled', sum(map(len, batches)))
        for inputs, batch in zip(loader, batches):
            for group in _alike(inputs):
                begin = time.perf_counter()
                samples = model.test_step(pseudo_collate([inputs[i] for i in group]))
                predictions = [self._fetch(sample, form) for sample in samples]
                # The samples may belong to the next view's, or image's, maps.
                del samples
                self.timing['network_seconds'] += time.perf_counter() - begin
                for place, prediction in zip(group, predictions):
                    yield Prediction(images[batch[place]], *prediction)
            self.timing['images'] += len(batch)
            progress.step(len(batch))

    def _fetch(self, sample: SegDataSample, form: SemanticFormat) -> tuple:
        prediction = form.prediction(sample)
        classes = form.classes_of_prediction(prediction)
        confidence = _confidence(sample.seg_logits.data, classes)
        mean = confidence.mean().item()
        needed = None if self.pseudo_labeler is None else confidence.cpu().numpy()
        return prediction.cpu().numpy(), needed, mean


def _image_name(info: dict[str, Any], dataset: BaseDataset) -> str:
    """Path of an image relative to the root of the images."""
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
    probabilities = sample_probabilities(logits)
    classes = classes.clamp(max=len(probabilities) - 1)
    return probabilities.gather(0, classes[None])[0]


def _build_pseudo_labeler(config: dict | None) -> PseudoLabeler | None:
    if config is None:
        return None
    name = f'pseudo_labeler={dict(config)}'
    try:
        built = MODELS.build(dict(config))
    except (KeyError, TypeError) as error:
        raise ValueError(f'{name}: {error}') from error
    advice = "; take one as dict(type='ClassMedian', cap=0.9, scope='image')"
    if not getattr(built, 'voids', False):
        raise ValueError(
            f'{name} weighs pixels, but label files hold no weights{advice}'
        )
    if getattr(built, 'scope', None) == 'batch':
        raise ValueError(
            f'{name} would make labels depend on which images go through the network '
            f"together{advice} or 'dataset'"
        )
    return built
