"""The report of trainings, as tools and notebooks ask for it."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import init_default_scope

from segda_mm.errors import DataError, PreflightError
from segda_mm.inference.frames import Frame
from segda_mm.inference.onnx_predict import read_picture
from segda_mm.outputs import note_files, require_own_files
from segda_mm.registry import DATASETS
from segda_mm.visualization.report import (
    Picture,
    Run,
    data_uri,
    read_run,
    write_page,
)
from segda_mm.visualization.report.runs import PROVENANCE

from .config import children
from .deployed_model import chosen_checkpoint, class_meta, config_of_checkpoint
from .predicting import Predictor

_OPACITY = 0.6


def report(
    runs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    frames: int = 4,
    titles: Sequence[str] = (),
    shown: tuple[str, str] | None = None,
    device: str | None = None,
) -> Path:
    """Write what trainings have come to as one HTML file, which is returned.

    The page holds the figures of each run's checkpoint, curves of losses and
    validations, IoU per class, the confusion matrix (where :func:`evaluate` wrote
    it), frames of the target with a slider between two predictions, what became of
    pseudo labels and discriminators, the rule that chose the checkpoint, command and
    versions. Several runs are compared. The slider's first left side is the first
    run, or of one run the checkpoint that it started from, else the bare image.

    Args:
        runs: A run folder, several, or a folder that holds some.
        out: The page; by default ``report.html`` in the (first) folder.
        frames: How many frames are shown, from the whole length of the test set, or
            where there is none of the target that is trained on. 0: no network runs.
        titles: What the runs are called; by default as their folders.
        shown: Titles that the slider begins with.
        device: As ``'cuda:1'``; by default a GPU, where there is one.

    Raises:
        PreflightError: There is no finished run.
        FileNotWrittenError: The disk is full, or the like.
    """
    if isinstance(runs, str | os.PathLike):
        runs = [runs]
    given = [Path(run) for run in runs]
    folders = [found for folder in given for found in _runs_in(folder)]
    out = given[0] / 'report.html' if out is None else Path(out)
    require_own_files([out])
    read, configs, notes = [], [], []
    for index, folder in enumerate(folders):
        checkpoint = chosen_checkpoint(folder)
        cfg = config_of_checkpoint(checkpoint)
        run = read_run(folder, cfg, checkpoint, *titles[index : index + 1])
        run.config = cfg.pretty_text
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            meta = class_meta(cfg)
            run.palette = dict(zip(meta['classes'], meta['palette']))
        read.append(run)
        configs.append(cfg)
    pictures: list[Picture] = []
    if frames:
        try:
            pictures = _pictures(read, configs, frames, device)
        # The figures are worth a page also where data or weights are gone.
        except (DataError, OSError, PreflightError) as error:
            notes.append(f'No frames are shown: {error}')
    if pictures:
        names = [*pictures[0].layers]
        left, right = shown or (_before(read, names), read[-1].title)
        shown = left, right
    place = given[0] if len(given) == 1 else out.parent
    title = f'{place.resolve().name}: report'
    write_page(out, title, read, pictures, shown or ('', ''), notes=notes)
    note_files([out])
    return out


def try_report(
    runs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    titles: Sequence[str] = (),
) -> None:
    """Write the report of runs that have just ended, or log why there is none."""
    try:
        page = report(runs, out, titles=titles)
        text, level = f'the report is in {page}', logging.INFO
    # A finished training is not to fail for its report.
    except Exception as error:
        text, level = f'{runs} gets no report: {error}', logging.WARNING
    print_log(text, logger='current', level=level)


def _runs_in(folder: Path) -> list[Path]:
    if _is_run(folder):
        return [folder]
    if not folder.is_dir():
        raise PreflightError(f'there is no run folder {folder}')
    if (folder / '0-teacher').is_dir():
        raise PreflightError(
            f'{folder} is of a self-training, whose report is '
            f'{folder / "report.html"}; name the folder of a stage, as '
            f'{folder / "1-student"}'
        )
    found = [child for child in folder.iterdir() if _is_run(child)]
    if not found:
        raise PreflightError(
            f'{folder} holds no run: a folder with vis_data/scalars.json of a training '
            'and a checkpoint'
        )
    # In the order in which they were begun.
    return sorted(found, key=lambda run: min(run.glob('*/vis_data')).parent.name)


def _is_run(folder: Path) -> bool:
    # What adapts without a step has logged no figure.
    begun = (*folder.glob('*/vis_data/scalars.json'), *folder.glob(f'*/{PROVENANCE}'))
    return bool(begun) and any(folder.glob('*.pth'))


def _before(runs: Sequence[Run], layers: Sequence[str]) -> str:
    if len(runs) > 1:
        return runs[0].title
    return layers[-2] if layers[-2] != 'truth' else 'image'


def _pictures(
    runs: Sequence[Run], configs: Sequence[Config], count: int, device: str | None
) -> list[Picture]:
    """Frames under the predictions of all runs, in layers by their titles."""
    cfg = configs[-1]
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(_target(cfg))
    places = np.linspace(0, len(dataset) - 1, min(count, len(dataset)))
    samples = [
        (place, dataset.get_data_info(place)) for place in places.round().astype(int)
    ]
    images = [read_picture(info['img_path']) for _, info in samples]
    layers: list[dict[str, np.ndarray]] = [dict(image=image) for image in images]
    predictors = {}
    if len(runs) == 1:
        predictors = _start(runs[0], cfg, device)
    for run, config in zip(runs, configs):
        predictors[run.title] = Predictor(run.checkpoint, config, device=device)
        own = predictors[run.title]
        run.palette = dict(zip(own.classes, own.palette))
    palette = predictors[runs[-1].title].palette
    for layer, (place, _) in zip(layers, samples):
        truth = _truth(dataset[place])
        if truth is not None:
            layer['truth'] = _painted(layer['image'], truth, palette)
    for title, predict in predictors.items():
        for layer, frame in zip(layers, predict(images, confidence=False)):
            layer[title] = frame.overlay(_OPACITY)
    return [
        Picture(
            Path(info['img_path']).stem,
            {name: data_uri(picture) for name, picture in layer.items()},
        )
        for (_, info), layer in zip(samples, layers)
    ]


def _target(cfg: Config) -> dict[str, Any]:
    """Config of the images to look at: of the test, else those adapted to."""
    trained = (cfg.get('train_dataloader') or {}).get('dataset', {})
    if cfg.get('val_dataloader') is None and 'target' in trained:
        # Nothing of the target has labels, and the test is of something else.
        return dict(trained['target'], pipeline=[])
    for key in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        if cfg.get(key):
            dataset = cfg[key].dataset
            return dataset.get('target', dataset)
    raise PreflightError(f'{cfg.filename} has no data loader')


def _truth(sample: Mapping[str, Any]) -> np.ndarray | None:
    """Labels of a sample of the test pipeline, (H, W) uint8."""
    labels = sample.get('data_samples')
    if labels is None or 'gt_sem_seg' not in labels:
        return None
    return labels.gt_sem_seg.data[0].numpy().astype(np.uint8)


def _painted(
    image: np.ndarray, labels: np.ndarray, palette: list[list[int]]
) -> np.ndarray:
    size = image.shape[1::-1]
    labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    frame = Frame(image, labels, None, '', None, 0, None, palette)
    return frame.overlay(_OPACITY)


def _start(run: Run, cfg: Config, device: str | None) -> dict[str, Predictor]:
    """The network that a run started from, by the name of its folder, if any."""
    for checkpoint in dict.fromkeys([cfg.get('load_from'), *_checkpoints(cfg.model)]):
        if not checkpoint or not Path(checkpoint).is_file():
            continue
        parent = Path(checkpoint).resolve().parent
        # A resumed run goes on from itself.
        if parent == run.folder.resolve():
            continue
        try:
            return {f'start: {parent.name}': Predictor(checkpoint, device=device)}
        except PreflightError:
            # Weights of a backbone alone, or without a config beside them.
            continue
    return {}


def _checkpoints(node: Any) -> Iterator[str]:
    for key, child in children(node):
        if key == 'checkpoint' and isinstance(child, str):
            yield child
        yield from _checkpoints(child)
