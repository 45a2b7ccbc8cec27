"""Metrics of semantic maps that MMSegmentation does not have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmseg.evaluation import IoUMetric

from segda_mm.ops.metrics import count_pairs
from segda_mm.registry import METRICS


@METRICS.register_module()
class PerClassIoUMetric(IoUMetric):
    """mmseg's IoUMetric, which also returns ``IoU.<class name>`` in percent.

    A class neither present nor predicted is NaN, and the mean leaves it out. Figures
    are Python floats, so that checkpoints stay plain data.
    """

    default_prefix = ''

    def __init__(self, *args, collect_device: str = 'gpu', **kwargs) -> None:
        # 'gpu' means messages, on CPUs too; 'cpu' means files in ./.dist_test.
        super().__init__(*args, collect_device=collect_device, **kwargs)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Pool the per-image areas (each (num_classes,)) into percentages."""
        metrics = super().compute_metrics(results)
        if self.format_only:
            return metrics
        areas = [sum(column) for column in zip(*results, strict=True)]
        iou = self.total_area_to_metrics(*areas, ['mIoU'], self.nan_to_num)
        classes = self.dataset_meta['classes']
        for name, value in zip(classes, iou['IoU'], strict=True):
            metrics[f'IoU.{name}'] = 100 * value
        return {name: round(float(value), 2) for name, value in metrics.items()}


@METRICS.register_module()
class PixelPrecision(BaseMetric):
    """Mean over the images of the share of correct pixels, void counted wrong.

    The "precision" of "Meta Pseudo Labels for Real-Time Semantic Segmentation", as
    its released code has it. mmseg's ``aAcc`` leaves void out and pools all images.
    Reads ``pred_sem_seg`` and ``gt_sem_seg``; the result is ``pixel_precision`` in
    percent, rounded to two decimals.

    Args:
        collect_device: ``'gpu'`` gathers by messages, ``'cpu'`` through files.
        prefix: Put in front of the name of the figure.
    """

    # BaseMetric warns about a prefix of None; an empty one means the same.
    default_prefix = ''

    def __init__(self, collect_device: str = 'gpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the share of correct pixels of each image of one batch."""
        for sample in data_samples:
            name = sample.get('img_path', 'a test image')
            if 'gt_sem_seg' not in sample:
                raise ValueError(
                    f'{name} has no ground truth, so its precision per pixel is '
                    'undefined. Evaluate on a labelled data set, with a label '
                    'loader in the pipeline of test_dataloader'
                )
            prediction = sample['pred_sem_seg']['data'].squeeze(0)
            truth = sample['gt_sem_seg']['data'].squeeze(0)
            if prediction.shape != truth.shape:
                raise ValueError(
                    f'{name}: the prediction has shape {tuple(prediction.shape)} '
                    f'and the ground truth {tuple(truth.shape)}. Load the labels '
                    'after Resize in the test pipeline, so that both have the '
                    "image's own size"
                )
            correct = prediction == truth.to(prediction.device)
            self.results.append(correct.double().mean().item())

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """Average the images' shares; percent."""
        precision = 100 * sum(results) / len(results)
        return {'pixel_precision': round(precision, 2)}


@METRICS.register_module()
class ConfusionMatrix(BaseMetric):
    """Pixels by true and predicted class, of ``gt_sem_seg`` and ``pred_sem_seg``.

    Void does not count. It adds no figure to the metrics.

    Args:
        collect_device: ``'gpu'`` gathers by messages, ``'cpu'`` through files.

    Attributes:
        counts: After the evaluation, in the first process: (C, C) int64, true by
            predicted class.
    """

    default_prefix = ''
    counts: np.ndarray

    def __init__(self, collect_device: str = 'gpu') -> None:
        super().__init__(collect_device=collect_device)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of each image of one batch."""
        classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'].squeeze(0)
            truth = sample['gt_sem_seg']['data'].squeeze(0).to(prediction.device)
            counted = truth < classes
            pairs = count_pairs(truth[counted], prediction[counted], classes)
            self.results.append(pairs.cpu().numpy())

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Add the images up."""
        self.counts = sum(results)
        return {}
