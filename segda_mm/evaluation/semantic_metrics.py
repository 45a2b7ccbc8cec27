"""Metrics of semantic maps that MMSegmentation does not have."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmseg.evaluation import IoUMetric

from segda_mm.registry import METRICS


@METRICS.register_module()
class PerClassIoUMetric(IoUMetric):
    """mmseg's IoUMetric which also returns the IoU of every class.

    IoUMetric returns only means; this one adds ``IoU.<class name>`` in
    percent. A class neither present nor predicted is NaN, and the mean leaves
    it out. All figures are Python floats: numpy scalars in a checkpoint (as
    ``best_score``) would keep it from being loaded as plain data.

    Takes the arguments of :class:`mmseg.evaluation.IoUMetric`.
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

    This is the "precision" of the tables of "Meta Pseudo Labels for Real-Time
    Semantic Segmentation", as its released code computes it: per image, the
    pixels predicted right divided by *all* pixels of the image, then the mean
    over the images. A void pixel (255) can never be predicted right, so the
    figure cannot reach 100 on labels with void. ``aAcc`` of
    :class:`mmseg.evaluation.IoUMetric` differs twice: it leaves void pixels
    out and pools the pixels of all images.

    Every sample needs ``pred_sem_seg`` and ``gt_sem_seg`` with integer class
    maps of one shape, (1, H, W) or (H, W). The result is ``pixel_precision``
    in percent, rounded to two decimals as IoUMetric does.

    Args:
        collect_device: ``'gpu'`` gathers the results of several processes by
            messages, on CPUs too, ``'cpu'`` through files in ``./.dist_test``.
        prefix: Put in front of the name of the figure.

    Raises:
        ValueError: A sample has no ground truth, or prediction and ground
            truth differ in shape.
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
