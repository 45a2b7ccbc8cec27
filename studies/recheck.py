"""Recompute the figures of an evaluation from its label maps, by torchmetrics.

Of the project's own code only what reads label files is used, none of what counts or
divides. With --metrics the reported figures stand beside the recomputed ones, and the
exit code is 1 if any two of them differ by more than rounding explains.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
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
from torchmetrics.aggregation import MeanMetric
from torchmetrics.classification import MulticlassConfusionMatrix
from torchmetrics.functional.classification import multiclass_accuracy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segda_mm.apis import PreflightError, load_config
from segda_mm.datasets import LoadLabelIds, LoadPanopticLabels
from segda_mm.registry import DATASETS
from studies.study import StudyError

VOID = 255
#: Figures of all classes that are recomputed.
MEANS = ('mIoU', 'aAcc', 'pixel_precision')
#: Two figures that differ by more, in percent, are not of the same predictions:
#: reported ones are rounded to two decimals.
TOLERANCE = 0.01

_LABEL_LOADERS = (LoadLabelIds, LoadPanopticLabels, LoadAnnotations)
_WRITE_AGAIN = 'remove the folder and write it again with tools/test.py --out'


class ComparedFigure(NamedTuple):
    """A figure as it was reported and as it was recomputed, percent.

    None is undefined: the class is neither in the labels nor predicted.
    """

    name: str
    reported: float | None
    recomputed: float | None

    @property
    def difference(self) -> float:
        """Infinite where one of the two alone is undefined."""
        if self.reported is None or self.recomputed is None:
            return 0.0 if self.reported is self.recomputed else float('inf')
        return abs(self.reported - self.recomputed)

    @property
    def agrees(self) -> bool:
        """Whether both are of the same predictions."""
        return self.difference <= TOLERANCE


def recheck_predictions(folder: str | Path, dataset: Mapping) -> dict:
    """Score label maps anew.

    Neither a network nor the images are needed: of these only the sizes are read.

    Args:
        folder: PNGs of train ids, one for each image and named as it, as
            ``tools/test.py --out`` writes them.
        dataset: Config of the data set that was predicted, as
            ``cfg.test_dataloader.dataset``. Labels are compared at their full
            size, whatever else its pipeline does.

    Returns:
        Percentages, not rounded: ``mIoU`` over the classes that are in the labels
        or predicted where there is a label, ``aAcc`` over the pixels with a label,
        ``pixel_precision``, the mean over the images of the share of correct
        pixels, void ones counted wrong, and ``per_class_iou`` (class -> percent,
        None for one that the mean leaves out); and ``num_images``.

    Raises:
        StudyError: a prediction is missing, left over, unreadable, of another size
            than its label or of unknown classes; two images have the same name; the
            labels are wrong, or the data set does not load labels of train ids.
    """
    samples = _build_label_dataset(dataset)
    files = _find_predictions(Path(folder), samples)
    classes = samples.metainfo['classes']
    confusion = MulticlassConfusionMatrix(
        len(classes), ignore_index=VOID, validate_args=False
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
                num_classes=VOID + 1,
                average='micro',
                validate_args=False,
            )
        )

    counts = confusion.compute().double()
    correct = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - correct
    if not counts.any():
        raise StudyError(
            f'{samples.data_prefix.get("seg_map_path")}: no pixel of the labels has a '
            'class, so that nothing can be scored; correct seg_map_path'
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


def compare_figures(recomputed: Mapping, report: Mapping) -> list[ComparedFigure]:
    """Put the figures of an evaluation beside the recomputed ones.

    Args:
        recomputed: What :func:`recheck_predictions` returns.
        report: What :func:`segda_mm.apis.test` returns, and writes as
            ``<checkpoint>_metrics.json``.

    Returns:
        Those of :data:`MEANS` that the evaluation has, then every class as
        ``IoU.<class>``.

    Raises:
        StudyError: the two are of different numbers of images or of different
            classes, or the evaluation has none of these figures.
    """
    means, per_class = report.get('metrics', {}), report.get('per_class_iou', {})
    figures = [
        ComparedFigure(name, means[name], recomputed[name])
        for name in MEANS
        if name in means
    ]
    if not figures:
        raise StudyError(
            f'the results have none of {", ".join(MEANS)}; give the '
            '<checkpoint>_metrics.json that tools/test.py wrote with the predictions'
        )
    if report.get('num_images') != recomputed['num_images']:
        raise StudyError(
            f'the results are of {report.get("num_images")} images, but there are '
            f'predictions of {recomputed["num_images"]}; give those of one run of '
            'tools/test.py'
        )
    if per_class and set(per_class) != set(recomputed['per_class_iou']):
        raise StudyError(
            f'the results are of the classes {sorted(per_class)}, but the data set '
            f'has {sorted(recomputed["per_class_iou"])}; give the config that was '
            'evaluated'
        )
    return figures + [
        ComparedFigure(f'IoU.{name}', value, recomputed['per_class_iou'][name])
        for name, value in per_class.items()
    ]


def check_predictions(folder: Path, dataset: Mapping, report: Mapping) -> dict:
    """See that label maps have the figures that were reported of them.

    Args:
        folder: Of the label maps.
        dataset: See :func:`recheck_predictions`.
        report: See :func:`compare_figures`.

    Returns:
        What :func:`recheck_predictions` finds, and ``max_difference``, in percent.

    Raises:
        StudyError: a figure differs, or see these two.
    """
    found = recheck_predictions(folder, dataset)
    worst = max(compare_figures(found, report), key=lambda figure: figure.difference)
    if not worst.agrees:
        raise StudyError(
            f'the test reports {worst.name} {worst.reported}, but the label maps in '
            f'{folder} have {worst.recomputed}; no result is kept'
        )
    return dict(found, max_difference=worst.difference)


def _build_label_dataset(config: Mapping) -> BaseSegDataset:
    """The data set, with nothing in its pipeline but what loads the labels."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(copy.deepcopy(config))
    steps = dataset.pipeline.transforms if isinstance(dataset, BaseSegDataset) else ()
    loaders = [step for step in steps if isinstance(step, _LABEL_LOADERS)]
    if not loaders:
        raise StudyError(
            f'the data set {type(dataset).__name__} loads no labels; its pipeline '
            f'needs one of {", ".join(loader.__name__ for loader in _LABEL_LOADERS)}'
        )
    if dataset.reduce_zero_label:
        raise StudyError(
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
            raise StudyError(
                f'{file} can be the prediction of {images[file]} and of {image}; give '
                'the images different names, or evaluate their folders one by one'
            )
        if not file.is_file():
            raise StudyError(
                f'{file} does not exist, but should be the prediction of {image}; '
                f'{_WRITE_AGAIN}'
            )
        images[file] = image
    left_over = sorted(set(folder.glob('*.png')) - set(images))
    if left_over:
        raise StudyError(
            f'{left_over[0]} belongs to no image of the data set (as do '
            f'{len(left_over) - 1} others); give the config that was evaluated, or '
            f'{_WRITE_AGAIN}'
        )
    return list(images)


def _read_pair(
    sample: Mapping, file: Path, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and prediction of one image, uint8 (H, W), in this order."""
    truth, prediction = sample['gt_seg_map'], _read_prediction(file)
    label_file = sample['seg_map_path']
    if prediction.shape != truth.shape:
        raise StudyError(
            f'{file} is {prediction.shape[1]}x{prediction.shape[0]} pixels, but the '
            f'label {label_file} is {truth.shape[1]}x{truth.shape[0]}; {_WRITE_AGAIN}'
        )
    for path, train_ids in ((label_file, truth[truth != VOID]), (file, prediction)):
        highest = int(train_ids.max(initial=0))
        if highest >= num_classes:
            raise StudyError(
                f'{path} has the train id {highest}, but the data set has only '
                f'{num_classes} classes; give the config that was evaluated'
            )
    return torch.from_numpy(truth), torch.from_numpy(prediction)


def _read_prediction(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            mode, prediction = image.mode, np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise StudyError(
            f'{file} cannot be decoded ({error}); {_WRITE_AGAIN}'
        ) from error
    if mode not in ('L', 'P'):
        raise StudyError(
            f'{file} is a {mode!r} image, but predictions are single-channel 8-bit PNGs '
            'of train ids; give the folder that tools/test.py --out wrote'
        )
    return prediction


def _percent(value: float | None, decimals: int) -> str:
    return '-' if value is None else f'{value:.{decimals}f}'


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config that was evaluated')
    parser.add_argument('predictions', help='folder that tools/test.py --out wrote')
    parser.add_argument(
        '--metrics',
        type=Path,
        metavar='JSON',
        help='<checkpoint>_metrics.json that tools/test.py wrote in the same run',
    )
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE')
    args = parser.parse_args()
    try:
        cfg = load_config(args.config, args.cfg_options)
        found = recheck_predictions(args.predictions, cfg.test_dataloader.dataset)
        report = None
        if args.metrics is not None:
            report = json.loads(args.metrics.read_text())
            figures = compare_figures(found, report)
    except (PreflightError, OSError, ValueError) as error:
        print(f'recheck.py: {error}', file=sys.stderr)
        return 2
    if report is None:
        figures = [ComparedFigure(name, None, found[name]) for name in MEANS]
        figures += [
            ComparedFigure(f'IoU.{name}', None, value)
            for name, value in found['per_class_iou'].items()
        ]
    print(f'{"figure":24}{"reported":>12}{"recomputed":>12}')
    for name, reported, recomputed in figures:
        print(f'{name:24}{_percent(reported, 2):>12}{_percent(recomputed, 4):>12}')
    different = [figure.name for figure in figures if not figure.agrees]
    if report is not None:
        print(f'{len(different)} of {len(figures)} figures differ', *different)
    return int(report is not None and bool(different))


if __name__ == '__main__':
    sys.exit(main())
