"""Evaluation of a checkpoint, as tools and notebooks start it."""

from __future__ import annotations

import math
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from segda_mm.models.checkpoint import load_network_weights

from .build_runner import build_runner
from .preflight import require_data
from .preflight_error import PreflightError
from .write_atomically import write_json

IOU_METRICS = ('IoUMetric', 'PerClassIoUMetric')


def test(
    cfg: Config,
    checkpoint: str | Path,
    tta: bool = False,
    show_dir: str | Path | None = None,
    out: str | Path | None = None,
) -> dict:
    """Evaluate a checkpoint on the test data set of a config.

    The weights are read as plain tensors and must fit the model exactly; no
    code of the checkpoint is run. The result is also written to
    ``<work_dir>/<checkpoint's name>[_tta]_metrics.json``.

    Args:
        cfg: a whole config with a ``work_dir``, as :func:`load_config` gives
            it. It is changed in place.
        checkpoint: a local checkpoint of the config's model.
        tta: average over the views of the config's ``tta_pipeline``.
        show_dir: write overlays (image, truth, prediction) here.
        out: write the predictions here, as PNGs of train ids.

    Returns:
        ``config``, ``checkpoint``, ``tta``, ``num_images``, ``metrics`` (name
        -> percent) and ``per_class_iou`` (class -> percent, None for a class
        that is neither in the labels nor predicted).

    Raises:
        PreflightError: data, checkpoint or the needed config keys are
            missing, or the weights do not fit.
    """
    if not Path(checkpoint).is_file():
        raise PreflightError(f'there is no checkpoint {checkpoint}')
    require_data(cfg, ('test_dataloader',))
    if tta:
        _wrap_for_tta(cfg)
    if show_dir is not None:
        _draw_overlays(cfg, show_dir)
    if out is not None:
        _save_predictions(cfg, out)

    runner = build_runner(cfg)
    _load_weights(runner, checkpoint, tta)
    figures = runner.test()
    results = dict(
        config=cfg.filename,
        checkpoint=str(checkpoint),
        tta=tta,
        num_images=len(runner.test_dataloader.dataset),
        **split_figures(figures),
    )
    if is_main_process():
        name = Path(checkpoint).stem + ('_tta' if tta else '')
        write_json(Path(cfg.work_dir, f'{name}_metrics.json'), results)
    return results


def split_figures(figures: dict[str, float]) -> dict[str, dict]:
    """Part the means from the per-class figures ``IoU.<class>``.

    JSON knows no NaN: a figure that is undefined becomes None.
    """
    plain = {
        name: None if math.isnan(value) else float(value)
        for name, value in figures.items()
    }
    return dict(
        metrics={k: v for k, v in plain.items() if not k.startswith('IoU.')},
        per_class_iou={
            k.removeprefix('IoU.'): v for k, v in plain.items() if k.startswith('IoU.')
        },
    )


def _load_weights(runner: Runner, checkpoint: str | Path, tta: bool) -> None:
    # Runner.load_checkpoint would fall back to executing a pickle and would
    # pass over keys that do not match.
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    try:
        load_network_weights(model.module if tta else model, str(checkpoint), '')
    except ValueError as error:
        raise PreflightError(str(error)) from error


def _wrap_for_tta(cfg: Config) -> None:
    for key in ('tta_model', 'tta_pipeline'):
        if cfg.get(key) is None:
            raise PreflightError(
                f'--tta needs `{key}` in the config; inherit it from '
                'configs/_base_ or write one'
            )
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(**cfg.tta_model, module=cfg.model)


def _draw_overlays(cfg: Config, show_dir: str | Path) -> None:
    cfg.default_hooks.visualization = dict(type='SegVisualizationHook', draw=True)
    backend = dict(type='LocalVisBackend', save_dir=str(show_dir), img_save_dir='')
    cfg.visualizer = dict(type='OverlayVisualizer', vis_backends=[backend])


def _save_predictions(cfg: Config, out: str | Path) -> None:
    evaluators = cfg.test_evaluator
    if not isinstance(evaluators, list | tuple):
        evaluators = [evaluators]
    for evaluator in evaluators:
        if evaluator['type'] in IOU_METRICS:
            evaluator['output_dir'] = str(out)
            return
    raise PreflightError(
        f'--out needs one of {", ".join(IOU_METRICS)} in test_evaluator'
    )
