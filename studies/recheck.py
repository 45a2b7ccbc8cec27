"""Figures of merit recomputed from prediction files, by another library."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from segda_mm.datasets import LoadLabelIds, LoadPanopticLabels
from segda_mm.datasets.cityscapes_labels import IGNORE_INDEX
from segda_mm.datasets.errors import DataError
from segda_mm.registry import DATASETS

#: Figures of all classes that are recomputed.
MEANS = ('mIoU', 'aAcc', 'pixel_precision')

#: Two figures that differ by more, in percent, are not of the same predictions:
#: reported ones are rounded to two decimals.
TOLERANCE = 0.01

_LABEL_LOADERS = (LoadLabelIds, LoadPanopticLabels, LoadAnnotations)
_WRITE_AGAIN = 'Remove the folder and write it again: tools/test.py --out'


class ComparedFigure(NamedTuple):
    """A figure of merit as it was reported and as it was recomputed, percent.

    None is undefined: the class is neither in the labels nor predicted.
    """

    name: str
    reported: float | None
    recomputed: float | None

    @property
    def agrees(self) -> bool:
        """Whether both are of the same predictions."""
        if self.reported is None or self.recomputed is None:
            return self.reported is self.recomputed
        return abs(self.reported - self.recomputed) <= TOLERANCE


def recheck_predictions(prediction_dir: str | Path, dataset: Mapping) -> dict:
    """Score prediction files anew, with torchmetrics.

    Of the project's own code only what reads label files is used, none of what
    counts or divides. Neither a network nor the images are needed: of these only
    the sizes are read. The memory does not grow with the number of images.

    Args:
        prediction_dir: PNGs of train ids, one for each image and named as it, as
            ``tools/test.py --out`` has :class:`mmseg.evaluation.IoUMetric` and
            :class:`~segda_mm.evaluation.PerClassIoUMetric` write them in the
            pass that they evaluate.
        dataset: Config of the data set that was predicted, as
            ``cfg.test_dataloader.dataset``. Labels are compared at their full
            size, whatever else its pipeline does.

    Returns:
        Percentages, not rounded: ``mIoU`` over the classes that are in the labels
        or predicted where there is a label, ``aAcc`` over the pixels with a
        label, ``pixel_precision``, the mean over the images of the share of
        correct pixels, void ones counted wrong, and ``per_class_iou`` (class ->
        percent, None for one that the mean leaves out); and ``num_images``.

    Raises:
        ImportError: torchmetrics is not installed.
        DataError: a prediction is missing, left over, unreadable, of another size
            than its label or of unknown classes; two images have the same name;
            or the labels are wrong.
        ValueError: the data set does not load labels of train ids.
    """
    try:
        from torchmetrics.aggregation import MeanMetric
        from torchmetrics.classification import MulticlassConfusionMatrix
        from torchmetrics.functional.classification import multiclass_accuracy
    except ImportError as error:
        raise ImportError(
            f'torchmetrics, which counts the pixels, cannot be imported ({error}); '
            "install it with `pip install -e '.[eval]'`"
        ) from error

    samples = _build_label_dataset(dataset)
    files = _find_predictions(Path(prediction_dir), samples)
    classes = samples.metainfo['classes']
    confusion = MulticlassConfusionMatrix(
        len(classes), ignore_index=IGNORE_INDEX, validate_args=False
    )
    precision = MeanMetric()
    for index, file in enumerate(files):
        truth, prediction = _read_pair(samples[index], file, len(classes))
        confusion.update(prediction, truth)
        # Void as a class of its own, which is never predicted.
        precision.update(
            multiclass_accuracy(
                prediction,
                truth,
                num_classes=IGNORE_INDEX + 1,
                average='micro',
                validate_args=False,
            )
        )

    counts = confusion.compute().double()
    correct = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - correct
    if not counts.any():
        raise DataError(
            'no pixel of the labels has a class, so that nothing can be scored',
            file=samples.data_prefix.get('seg_map_path') or '',
            remedy='Correct seg_map_path or the label table of the data set',
        )
    iou = {
        name: 100 * share if total else None
        for name, share, total in zip(
            classes, (correct / union).tolist(), union.tolist(), strict=True
        )
    }
    return dict(
        mIoU=fmean(value for value in iou.values() if value is not None),
        aAcc=100 * (correct.sum() / counts.sum()).item(),
        pixel_precision=100 * precision.compute().item(),
        per_class_iou=iou,
        num_images=len(files),
    )


def compare_figures(recomputed: Mapping, results: Mapping) -> list[ComparedFigure]:
    """Put the figures of an evaluation beside the recomputed ones.

    Args:
        recomputed: What :func:`recheck_predictions` returns.
        results: What :func:`segda_mm.apis.test` returns, and writes as
            ``<checkpoint>_metrics.json``.

    Returns:
        Of all classes those of :data:`MEANS` that the evaluation has, then, where
        it has them, every class as ``IoU.<class>``.

    Raises:
        ValueError: the two are of different numbers of images or of different
            classes, or the evaluation has none of these figures.
    """
    means, per_class = results.get('metrics', {}), results.get('per_class_iou', {})
    figures = [
        ComparedFigure(name, means[name], recomputed[name])
        for name in MEANS
        if name in means
    ]
    if not figures:
        raise ValueError(
            f'the results have none of {", ".join(MEANS)}; give the '
            '<checkpoint>_metrics.json that tools/test.py wrote with the predictions'
        )
    num_images = results.get('num_images')
    if num_images != recomputed['num_images']:
        raise ValueError(
            f'the results are of {num_images} images, but there are predictions of '
            f'{recomputed["num_images"]}; give those of one run of tools/test.py'
        )
    if per_class and set(per_class) != set(recomputed['per_class_iou']):
        raise ValueError(
            f'the results are of the classes {sorted(per_class)}, but the data set '
            f'has {sorted(recomputed["per_class_iou"])}; give the config that was '
            'evaluated'
        )
    return figures + [
        ComparedFigure(f'IoU.{name}', value, recomputed['per_class_iou'][name])
        for name, value in per_class.items()
    ]


def _build_label_dataset(config: Mapping) -> BaseSegDataset:
    """The data set, with nothing in its pipeline but what loads the labels."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(copy.deepcopy(config))
    steps = dataset.pipeline.transforms if isinstance(dataset, BaseSegDataset) else ()
    loaders = [step for step in steps if isinstance(step, _LABEL_LOADERS)]
    if not loaders:
        raise ValueError(
            f'the data set {type(dataset).__name__} loads no labels; its pipeline '
            f'needs one of {", ".join(loader.__name__ for loader in _LABEL_LOADERS)}'
        )
    if dataset.reduce_zero_label:
        raise ValueError(
            f'the data set {type(dataset).__name__} has reduce_zero_label, so that its '
            'predictions are written one higher than the train ids; this is not '
            'supported'
        )
    dataset.pipeline = Compose([_add_image_size, *loaders])
    return dataset


def _add_image_size(sample: dict) -> dict:
    with Image.open(sample['img_path']) as image:
        width, height = image.size
    return dict(sample, ori_shape=(height, width))


def _find_predictions(folder: Path, samples: BaseSegDataset) -> list[Path]:
    """The file of each sample, by the name that IoUMetric gives it."""
    images: dict[Path, str] = {}
    for index in range(len(samples)):
        image = samples.get_data_info(index)['img_path']
        file = folder / f'{Path(image).stem}.png'
        if file in images:
            raise DataError(
                f'can be the prediction of {images[file]} and of {image}: predictions '
                "are named after their images' files, without folder and ending",
                file=file,
                remedy='Give the images of the test data set different names, or '
                'evaluate its folders one by one',
            )
        if not file.is_file():
            raise DataError(
                f'does not exist, but should be the prediction of {image}',
                file=file,
                remedy=_WRITE_AGAIN,
            )
        images[file] = image
    left_over = sorted(set(folder.glob('*.png')) - set(images))
    if left_over:
        more = f' ({len(left_over) - 1} more like this)' if left_over[1:] else ''
        raise DataError(
            f'belongs to no image of the data set{more}',
            file=left_over[0],
            remedy=f'Give the config that was evaluated. {_WRITE_AGAIN}',
        )
    return list(images)


def _read_pair(
    sample: Mapping, file: Path, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and prediction of one image, uint8 (H, W), in this order."""
    truth, prediction = sample['gt_seg_map'], _read_prediction(file)
    label_file = sample['seg_map_path']
    if prediction.shape != truth.shape:
        raise DataError(
            f'is {prediction.shape[1]}x{prediction.shape[0]} pixels, but the label '
            f'{label_file} is {truth.shape[1]}x{truth.shape[0]}',
            file=file,
            remedy=_WRITE_AGAIN,
        )
    for path, train_ids in (
        (label_file, truth[truth != IGNORE_INDEX]),
        (file, prediction),
    ):
        highest = int(train_ids.max(initial=0))
        if highest >= num_classes:
            raise DataError(
                f'has the train id {highest}, but the data set has only {num_classes} '
                'classes',
                file=path,
                remedy='Give the config that was evaluated',
            )
    return torch.from_numpy(truth), torch.from_numpy(prediction)


def _read_prediction(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            mode, prediction = image.mode, np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f'cannot be decoded ({error})', file=file, remedy=_WRITE_AGAIN
        ) from error
    if mode not in ('L', 'P'):
        raise DataError(
            f'is a {mode!r} image, but predictions are single-channel 8-bit PNGs of '
            'train ids',
            file=file,
            remedy='Give the folder that tools/test.py --out wrote, not pictures',
        )
    return prediction
