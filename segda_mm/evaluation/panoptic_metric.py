"""Panoptic, instance and semantic figures of one pass over a data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from segda_mm.evaluation.official_results import OfficialResults, image_id_of
from segda_mm.evaluation.panoptic_tally import PanopticTally
from segda_mm.registry import METRICS

_NO_PREDICTION = (
    'PanopticMetric needs a model that predicts instances, such as PanopticDeepLab'
)
_NO_TRUTH = (
    'Evaluate on a labelled data set, with LoadPanopticLabels and '
    'PackPanopticInputs in the pipeline of the dataloader; without labels, '
    'PanopticMetric(format_only=True, output_dir=...) writes the predictions'
)


@METRICS.register_module()
class PanopticMetric(BaseMetric):
    """PQ, SQ and RQ, Cityscapes' instance AP, and mIoU, as Cityscapes' tools have them.

    Kirillov et al., "Panoptic Segmentation", CVPR 2019; Cordts et al., "The
    Cityscapes Dataset", CVPR 2016. Figures are Python floats in percent, not rounded,
    see :meth:`PanopticTally.figures`. Images are added to sums of fixed size, those
    of several processes too.

    Samples need ``pred_panoptic_seg``, ``gt_panoptic_seg`` (codes), ``pred_sem_seg``
    and ``gt_sem_seg`` (train ids), all (1, H, W), and ``pred_instances``. The metainfo
    needs ``classes`` and ``thing_classes``, for files ``label_ids`` too.

    Args:
        output_dir: Write predictions here, see :class:`OfficialResults`.
        format_only: Only write the files: the images have no ground truth.
        prefix: Put in front of the names of the figures.
    """

    # BaseMetric warns about a prefix of None; an empty one means the same.
    default_prefix = ''

    def __init__(
        self,
        output_dir: str | None = None,
        format_only: bool = False,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        if format_only and output_dir is None:
            raise ValueError(
                'PanopticMetric(format_only=True) neither measures nor writes '
                'anything; set output_dir as well'
            )
        self.output_dir = output_dir
        self.format_only = format_only
        self._tally: PanopticTally | None = None
        self._annotations: dict[str, dict[str, Any]] = {}
        self._paths: dict[str, str] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add the images of one batch to the sums, and write their files."""
        for sample in data_samples:
            name = sample.get('img_path', 'a test image')
            maps = _maps(sample, name, with_truth=not self.format_only)
            instances = sample['pred_instances']
            codes, scores = (
                instances[key].cpu().numpy() for key in ('codes', 'scores')
            )
            if not self.format_only:
                if self._tally is None:
                    self._tally = self._new_tally()
                try:
                    self._tally.add_image(
                        maps['gt_panoptic_seg'],
                        maps['pred_panoptic_seg'],
                        codes,
                        scores,
                        maps['gt_sem_seg'],
                        maps['pred_sem_seg'],
                    )
                except ValueError as error:
                    raise ValueError(f'{name}: {error}') from error
            if self.output_dir is not None:
                image_id = self._image_id(name)
                self._annotations[image_id] = self._results().write_image(
                    image_id,
                    maps['pred_panoptic_seg'],
                    codes,
                    scores,
                    maps['pred_sem_seg'],
                )

    def _image_id(self, path: str) -> str:
        image_id = image_id_of(path)
        if self._paths.setdefault(image_id, path) != path:
            raise ValueError(
                f'{path} and {self._paths[image_id]} would share the result files '
                f'of {image_id!r} in {self.output_dir}; rename one of the images, '
                'or evaluate without output_dir'
            )
        return image_id

    def _new_tally(self) -> PanopticTally:
        return PanopticTally(len(self._meta('classes')), self._meta('thing_classes'))

    def _results(self) -> OfficialResults:
        keys = ('classes', 'label_ids', 'thing_classes')
        return OfficialResults(self.output_dir, *map(self._meta, keys))

    def _meta(self, key: str) -> Sequence:
        if key not in (self.dataset_meta or {}):
            raise ValueError(
                f'the metainfo of the data set has no {key!r}, which PanopticMetric '
                'needs; take a panoptic data set, or give metainfo=dict('
                f'{key}=...) to yours'
            )
        return self.dataset_meta[key]

    def evaluate(self, size: int) -> dict[str, float]:
        """Figures of the sums of all processes; none with ``format_only``.

        Raises:
            ValueError: No image was processed, or more than ``size``.
        """
        gathered = all_gather_object((self._tally, self._annotations))
        self._tally, self._annotations, self._paths = None, {}, {}
        if self.output_dir is not None and is_main_process():
            merged: dict[str, dict[str, Any]] = {}
            for _, annotations in gathered:
                merged |= annotations
            self._results().write_index([merged[key] for key in sorted(merged)])
            print_log(
                f'wrote {len(merged)} predictions to {self.output_dir}', 'current'
            )
        if self.format_only:
            return {}
        tallies = [tally for tally, _ in gathered if tally is not None]
        num_images = sum(tally.num_images for tally in tallies)
        if num_images > size:
            raise ValueError(
                f'{num_images} images were evaluated, but the data set has {size}: '
                'some were seen twice, because the sampler gave every process as '
                'many. Set round_up=False in the sampler of val_dataloader and '
                'test_dataloader'
            )
        figures = self.compute_metrics(tallies)
        if self.prefix:
            figures = {f'{self.prefix}/{key}': figures[key] for key in figures}
        return figures

    def compute_metrics(self, results: list[PanopticTally]) -> dict[str, float]:
        """Add tallies, log a table of the classes, and return the figures."""
        if not results:
            raise ValueError(
                'PanopticMetric.evaluate was called before any image was processed'
            )
        tally = self._new_tally()
        for part in results:
            tally += part
        classes = self._meta('classes')
        if is_main_process():
            print_log(f'per class results:\n{_table(tally, classes)}', 'current')
        return tally.figures(classes)


def _maps(sample: Mapping, name: str, with_truth: bool) -> dict[str, np.ndarray]:
    """The maps of a sample by field, (H, W) of one size each."""
    remedies = dict.fromkeys(('pred_panoptic_seg', 'pred_sem_seg'), _NO_PREDICTION)
    if with_truth:
        remedies |= dict.fromkeys(('gt_panoptic_seg', 'gt_sem_seg'), _NO_TRUTH)
    for field, remedy in (*remedies.items(), ('pred_instances', _NO_PREDICTION)):
        if field not in sample:
            raise ValueError(f'{name} has no {field}. {remedy}')
    maps = {field: sample[field]['data'].cpu().numpy()[0] for field in remedies}
    if len({array.shape for array in maps.values()}) > 1:
        sizes = ', '.join(
            '{} {}x{}'.format(field, *array.shape) for field, array in maps.items()
        )
        raise ValueError(
            f'{name}: the maps differ in size (height x width: {sizes}). Load the '
            'labels after Resize in the test pipeline, so that they keep the size '
            'of the image file, and predict at that size'
        )
    return maps


def _table(tally: PanopticTally, classes: Sequence[str]) -> str:
    """Percentages of every class, one line a class."""
    quality, precision, iou = tally.quality(), tally.precision(), tally.iou()
    width = max(map(len, (*classes, 'class')))
    columns = ('PQ', 'SQ', 'RQ', 'AP', 'AP50', 'IoU')
    lines = [' '.join(['class'.ljust(width), *(f'{name:>6}' for name in columns)])]
    for index, name in enumerate(classes):
        values = [figure[index] for figure in quality]
        values += [precision[index].mean(), precision[index, 0], iou[index]]
        lines.append(' '.join([name.ljust(width), *map(_percent, values)]))
    return '\n'.join(lines)


def _percent(value: float) -> str:
    return '     -' if math.isnan(value) else f'{100 * value:6.2f}'
