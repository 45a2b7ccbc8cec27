"""Whether the label maps that a test wrote have the figures that it reported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from segda_mm.datasets.errors import DataError
from studies.recheck import (
    ComparedFigure,
    compare_figures,
    recheck_predictions,
)

from .experiment_error import ExperimentError

#: Metrics that write label maps as PNGs.
_WRITERS = ('IoUMetric', 'PerClassIoUMetric')

#: Percent; what is reported is rounded to two decimals.
TOLERANCE = 0.02


def writes_label_maps(cfg: Config) -> bool:
    """Whether a test of a config can write PNGs of train ids."""
    evaluators = cfg.get('test_evaluator') or []
    if not isinstance(evaluators, list | tuple):
        evaluators = [evaluators]
    names = [evaluator['type'] for evaluator in evaluators]
    return 'PanopticMetric' not in names and any(name in _WRITERS for name in names)


def check_predictions(
    folder: Path, dataset: Mapping[str, Any], report: Mapping[str, Any]
) -> dict[str, Any]:
    """Compute the figures of label maps again, by other means.

    Args:
        folder: Of the PNGs.
        dataset: Config of the data set that they are of.
        report: Of :func:`segda_mm.apis.test`.

    Returns:
        What :func:`studies.recheck.recheck_predictions` finds, and
        ``max_difference`` from what was reported, in percent.

    Raises:
        ExperimentError: a figure differs by more than :data:`TOLERANCE`, or the
            label maps are not those of the data set.
    """
    try:
        found = recheck_predictions(folder, dataset)
        figures = compare_figures(found, report)
    except (DataError, ValueError) as error:
        raise ExperimentError(str(error)) from error
    worst = max(figures, key=_difference)
    if _difference(worst) > TOLERANCE:
        raise ExperimentError(
            f'the test reports {worst.name} {worst.reported}, but the label maps in '
            f'{folder} have {worst.recomputed}; no result is kept'
        )
    return dict(found, max_difference=_difference(worst))


def _difference(figure: ComparedFigure) -> float:
    values = figure.reported, figure.recomputed
    if None in values:
        return 0.0 if values == (None, None) else float('inf')
    return abs(figure.reported - figure.recomputed)
