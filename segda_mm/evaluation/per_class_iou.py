"""Intersection over union with one figure per class."""

from __future__ import annotations

from mmseg.evaluation import IoUMetric

from segda_mm.registry import METRICS


@METRICS.register_module()
class PerClassIoUMetric(IoUMetric):
    """mmseg's IoUMetric which also returns the IoU of every class.

    IoUMetric prints the classes as a table and returns only their means, so a
    results file could not hold them. This one adds ``IoU.<class name>`` in
    percent; a class neither present nor predicted is NaN, and the mean leaves
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
