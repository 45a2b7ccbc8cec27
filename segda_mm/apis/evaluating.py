"""Evaluation of a checkpoint, as tools and notebooks start it."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper

from segda_mm.datasets.annotation_files import require_annotations
from segda_mm.datasets.places import places_read
from segda_mm.errors import FileNotWrittenError, PreflightError
from segda_mm.files import write_json
from segda_mm.labeling import without_labels
from segda_mm.models.checkpoints import load_network_weights
from segda_mm.outputs import note_folder, require_own_folder
from segda_mm.visualization.confusion import write_confusion

from .checks.config_errors import config_errors, step_errors
from .checks.first_batch import require_batches
from .checks.models import require_channels, require_sound_model
from .checks.preflight import require_data, require_outputs_apart
from .runner import build_runner

#: Metrics that write the predictions where ``output_dir`` says.
_WRITING_METRICS = ('PanopticMetric', 'IoUMetric', 'PerClassIoUMetric')

#: Names in front of the dot of a figure of one class.
_PER_CLASS_FIGURES = ('PQ', 'AP', 'IoU')


def evaluate(
    cfg: Config,
    checkpoint: str | Path,
    tta: bool = False,
    show_dir: str | Path | None = None,
    out: str | Path | None = None,
    confusion: bool = False,
) -> dict:
    """Evaluate a checkpoint on the test data set of a config.

    Args:
        cfg: A whole config. Changed in place.
        checkpoint: A local checkpoint that fits the model exactly; its code is not run.
        tta: Average over the views of ``tta_model`` or ``tta_pipeline``.
        show_dir: Write the pictures of the config's ``visualizer`` here; of images
            without labels, which are not scored, the prediction alone.
        out: Write the predictions here: PNGs of train ids, or the files that
            :class:`segda_mm.evaluation.PanopticMetric` writes.
        confusion: Write ``<work_dir>/<checkpoint's name>[_tta]_confusion.csv``, pixels
            by true (row) and predicted class, and a picture of it as ``.png``.

    Returns:
        What ``<work_dir>/<checkpoint's name>[_tta]_metrics.json`` holds: ``config``,
        ``checkpoint``, ``tta``, ``num_images``, ``metrics`` (name -> percent) and
        ``per_class_iou`` (class -> percent, None for a class that is neither in the
        labels nor predicted); of a panoptic model ``per_class_pq`` and
        ``per_class_ap`` as well.

    Raises:
        PreflightError: Data, checkpoint or config keys are missing or wrong, two
            predictions would have one name in ``out``, a folder to write to is read
            or holds pictures of others, or the disk is full.
    """
    if not Path(checkpoint).is_file():
        raise PreflightError(f'there is no checkpoint {checkpoint}')
    dataset = require_data(cfg, ('test_dataloader',))['test_dataloader']
    if not _has_labels(dataset):
        _go_without_labels(cfg, dataset, show_dir, out)
    if tta:
        _wrap_for_tta(cfg)
    if show_dir is not None:
        cfg.default_hooks.visualization = dict(type='SegVisualizationHook', draw=True)
        backend = dict(type='LocalVisBackend', save_dir=str(show_dir), img_save_dir='')
        visualizer = cfg.get('visualizer') or dict(type='OverlayVisualizer')
        cfg.visualizer = dict(visualizer, vis_backends=[backend])
    if out is not None:
        _save_predictions(cfg, out)
    require_outputs_apart(cfg, dict(test_dataloader=dataset))
    if show_dir is not None:
        require_own_folder(show_dir, *places_read(dataset))
        note_folder(show_dir)
    if confusion:
        given = cfg.test_evaluator
        given = [given] if isinstance(given, dict) else list(given)
        cfg.test_evaluator = [*given, dict(type='ConfusionMatrix')]

    with config_errors(cfg):
        runner = build_runner(cfg)
        # It is built when it is asked for.
        assert runner.test_loop is not None
        if out is not None:
            _require_own_files(runner.test_dataloader.dataset)
        tested = runner.test_dataloader.dataset
        require_annotations(tested, 'test_dataloader.dataset')
    with step_errors(cfg, 'the first image of test_dataloader'):
        inputs = tested[0]['inputs']
    # Runner.load_checkpoint would fall back to executing a pickle and would
    # pass over keys that do not match.
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    require_sound_model(model, runner.test_loop.evaluator.metrics)
    require_channels(model, inputs, tested.get_data_info(0)['img_path'])
    with config_errors(cfg):
        load_network_weights(model.module if tta else model, str(checkpoint), '')
    require_batches(cfg, 'test_dataloader', runner.test_dataloader)
    try:
        with step_errors(cfg, 'the images of test_dataloader', model):
            figures = runner.test()
    except FileNotWrittenError as error:
        raise PreflightError(str(error)) from error
    results = dict(
        config=cfg.filename,
        checkpoint=str(checkpoint),
        tta=tta,
        num_images=len(runner.test_dataloader.dataset),
        **_split_figures(figures),
    )
    if is_main_process():
        name = Path(checkpoint).stem + ('_tta' if tta else '')
        write_json(Path(cfg.work_dir, f'{name}_metrics.json'), results)
        if confusion:
            write_confusion(
                Path(cfg.work_dir, f'{name}_confusion.csv'),
                runner.test_evaluator.metrics[-1].counts,
                runner.test_dataloader.dataset.metainfo['classes'],
            )
    return results


def _has_labels(dataset: BaseDataset) -> bool:
    """Whether samples have a truth; one that is there but wrong is told later."""
    try:
        sample = dataset[0]['data_samples']
    except Exception:
        return 'seg_map_path' in dataset.get_data_info(0)
    views = sample if isinstance(sample, list | tuple) else [sample]
    truths = ('gt_sem_seg', 'gt_panoptic_seg')
    return any(key in view for view in views for key in truths)


def _go_without_labels(
    cfg: Config,
    dataset: BaseDataset,
    show_dir: str | Path | None,
    out: str | Path | None,
) -> None:
    key = 'test_dataloader.dataset'
    evaluators = cfg.get('test_evaluator') or []
    if not isinstance(evaluators, list | tuple):
        evaluators = [evaluators]
    # Those write predictions and score nothing.
    writing = bool(evaluators) and all(part.get('format_only') for part in evaluators)
    if not writing and (show_dir is None or out is not None):
        raise PreflightError(
            f'{key} has no labels to score predictions by. Load them in its pipeline, '
            'name show_dir alone (--show-dir) for pictures, or write predictions with '
            '`segda predict`'
        )
    if show_dir is not None and not dataset.metainfo.get('classes'):
        raise PreflightError(
            f'{key} does not say how to draw its classes; give it '
            'metainfo=dict(classes=[...], palette=[...])'
        )
    for name in ('pipeline', 'tta_pipeline'):
        owner = cfg.test_dataloader.dataset if name == 'pipeline' else cfg
        if owner.get(name) is not None:
            owner[name] = without_labels(owner[name])
    if not writing:
        cfg.test_evaluator = []


def _split_figures(figures: dict[str, float]) -> dict[str, dict]:
    """Part means (``metrics``) from figures of classes (``per_class_iou``, ...)."""
    parts: dict[str, dict] = dict(metrics={}, per_class_iou={})
    for name, value in figures.items():
        part, key = 'metrics', name
        figure, _, class_name = name.partition('.')
        if figure in _PER_CLASS_FIGURES and class_name:
            part, key = f'per_class_{figure.lower()}', class_name
        # JSON knows no NaN.
        parts.setdefault(part, {})[key] = None if math.isnan(value) else float(value)
    return parts


def _wrap_for_tta(cfg: Config) -> None:
    for key in ('tta_model', 'tta_pipeline'):
        if cfg.get(key) is None:
            raise PreflightError(
                f'--tta needs `{key}` in the config; inherit it from configs/_base_'
            )
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    wrapper = dict(cfg.tta_model, module=cfg.model)
    if 'data_preprocessor' in cfg.model:
        # Or else the Runner gives it that of the config, which the model replaces.
        wrapper.setdefault('data_preprocessor', cfg.model.data_preprocessor)
    cfg.model = wrapper


def _save_predictions(cfg: Config, out: str | Path) -> None:
    evaluators = cfg.test_evaluator
    for evaluator in [evaluators] if isinstance(evaluators, dict) else evaluators:
        if evaluator['type'] in _WRITING_METRICS:
            evaluator['output_dir'] = str(out)
            return
    raise PreflightError(
        f'--out needs one of {", ".join(_WRITING_METRICS)} in test_evaluator'
    )


def _require_own_files(dataset: BaseDataset) -> None:
    # The metrics name a prediction after its image, without the image's folder.
    infos = map(dataset.get_data_info, range(len(dataset)))
    counts = Counter(Path(info['img_path']).stem for info in infos)
    for name, count in counts.most_common(1):
        if count > 1:
            raise PreflightError(
                f'--out: {count} images are named {name}, and their predictions would '
                'be one file; evaluate their folders one by one'
            )
