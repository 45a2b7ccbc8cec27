"""Labelling of images and videos, as tools and notebooks start it."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.registry import init_default_scope

from segda_mm.datasets.discovery import VIDEO_SUFFIXES, find_files, is_video
from segda_mm.datasets.formats.videos import MAX_LOST_FRAMES
from segda_mm.datasets.places import places_read
from segda_mm.engine.distributed import initialize_process_group
from segda_mm.errors import FileNotWrittenError, MissingDataError, PreflightError
from segda_mm.labeling import LabelStore, Processes, without_labels
from segda_mm.labeling.video_frames import extract_frames
from segda_mm.models.checkpoints import (
    load_network_weights,
    only_plain_checkpoints,
    sha256_of_file,
)
from segda_mm.outputs import require_apart
from segda_mm.registry import DATASETS, LABELERS, MODELS

from .checks.config_errors import config_errors, step_errors
from .checks.models import require_channels
from .deployed_model import averaging_views
from .network_stride import pad_to_stride
from .runner import sole_run_in

#: Of a model's config, what says where its first weights come from.
_INITIALIZATION = ('checkpoint', 'init_cfg', 'pretrained')


def label(
    cfg: Config,
    checkpoint: str | Path,
    images: str | Sequence[str] | Mapping,
    out: str | Path,
    *,
    tta: bool = True,
    pseudo_labeler: dict | None = None,
    ego_car: dict | None = None,
    num_workers: int = 2,
    batch_size: int = 1,
    max_lost_frames: float = MAX_LOST_FRAMES,
) -> dict:
    """Label images with a trained network, for another one to learn from.

    The label of an image is ``<out>/<its path below the images' root>.png``, pixel by
    pixel as the image is stored, whatever its EXIF orientation says: 8 bits of
    train ids (read by ``LoadLabelIds(table='train_id')``), or of a panoptic model 16
    bits of instance ids (``LoadPanopticLabels``); ``PseudoLabeledDataset`` puts images
    and labels together. Of videos, the frames are first written, upright, to
    ``<out>/frames/<stem>/<number>.png``, and the labels to ``<out>/labels/...``.

    Beside the labels lie ``manifest.json`` (written last: it makes the folder
    complete), ``identity.json`` (weights and settings), ``statistics.jsonl`` (figures
    of each image) and, with thresholds of the data set, ``thresholds.json``. Called
    again, what is done is left as it is; a killed call ends with the same files as an
    uncut one. More images may be added, unless thresholds are those of the data set. A
    changed label is made again, and the file kept as ``<name>.png.changed``. With
    ``cfg.launcher='pytorch'`` processes share the images.

    Args:
        cfg: A whole config, as :func:`load_config` gives it; its test or
            ``tta_pipeline`` is used without what loads labels. ``labeler`` in it may
            be the config of a :class:`TTALabeler`, under arguments that are not None.
        checkpoint: A local checkpoint that fits the config's model exactly.
        images: An image, folder, glob pattern or list file, or several of them, as
            :class:`UnlabeledImageDataset` takes them; video files, or a folder or
            pattern of nothing else; or the config of a data set, whose pipeline is
            replaced.
        out: The folder for the labels, for this call alone.
        tta: Average over the views of the config's ``tta_model``.
        pseudo_labeler, ego_car, num_workers, batch_size: See :class:`TTALabeler`.
        max_lost_frames: Share of a video's frames that may be damaged, in [0, 1].

    Returns:
        The manifest; see :meth:`segda_mm.labeling.writer.LabelWriter.write`.

    Raises:
        PreflightError: Images, checkpoint or the needed config keys are
            missing, the weights do not fit, ``out`` is read, is in use or holds
            labels of other weights or settings, a file in it is damaged, or the
            disk is full.
    """
    if not Path(checkpoint).is_file():
        raise PreflightError(f'there is no checkpoint {checkpoint}')
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    # Threads of OpenCV would not survive the fork of a data loader.
    cv2.setNumThreads(0)
    initialize_process_group(cfg.get('launcher', 'none'), cfg.get('env_cfg'))
    model_cfg, pipeline = _model_and_pipeline(cfg, tta)
    pipeline = without_labels(pipeline)
    try:
        videos, source = _videos_or_dataset(images)
        if not videos:
            listed = DATASETS.build(copy.deepcopy(dict(source, pipeline=[])))
            require_apart(out, *places_read(listed))
    except (MissingDataError, ValueError) as error:
        raise PreflightError(str(error)) from error
    with sole_run_in(out):
        try:
            arguments = dict(
                pseudo_labeler=pseudo_labeler,
                ego_car=ego_car,
                num_workers=num_workers,
                batch_size=batch_size,
            )
            given = {k: value for k, value in arguments.items() if value is not None}
            settings = dict(cfg.get('labeler') or dict(type='TTALabeler'), **given)
            labeler = LABELERS.build(_plain(settings))
            store = LabelStore(out)
            if videos:
                frames = Path(out, 'frames')
                names = Processes().from_main(
                    extract_frames, videos, frames, labeler.num_writers, max_lost_frames
                )
                source = dict(source, images=names, data_root=str(frames))
                store = LabelStore(Path(out, 'labels'))
            dataset = DATASETS.build(copy.deepcopy(dict(source, pipeline=pipeline)))
            with only_plain_checkpoints(), config_errors(cfg):
                model = MODELS.build(copy.deepcopy(model_cfg))
            load_network_weights(model.module if tta else model, str(checkpoint), '')
            with step_errors(cfg, 'labelling'):
                inputs = dataset[0]['inputs']
            file = dataset.get_data_info(0)['img_path']
            require_channels(model, inputs, file)
            pad_to_stride(model)
            model.to(get_device()).eval()
            settings = dict(
                checkpoint=f'sha256 {sha256_of_file(checkpoint)}',
                model=_plain(model_cfg),
                pipeline=_plain(pipeline),
                images=_root(dataset),
            )
            origin = dict(checkpoint=str(checkpoint), config=str(cfg.filename))
            names, palette = _class_meta(cfg, dataset)
            with step_errors(cfg, 'labelling', model):
                return labeler.label(
                    model, dataset, store, settings, origin, names, palette
                )
        except (FileNotWrittenError, MissingDataError, ValueError) as error:
            raise PreflightError(str(error)) from error


def _model_and_pipeline(cfg: Config, tta: bool) -> tuple[dict, list[dict]]:
    if not tta:
        return cfg.model, cfg.test_dataloader.dataset.pipeline
    for key in ('tta_model', 'tta_pipeline'):
        if cfg.get(key) is None:
            raise PreflightError(
                f'labelling with views of the images needs `{key}` in the config; '
                'inherit it from configs/_base_, or label with tta=False (--no-tta)'
            )
    return averaging_views(cfg, cfg.model), cfg.tta_pipeline


def _videos_or_dataset(
    images: str | Sequence[str] | Mapping,
) -> tuple[list[str], Mapping]:
    """The videos, if they are some, and the config of a data set."""
    if isinstance(images, Mapping):
        return [], images
    alone = isinstance(images, str | os.PathLike)
    paths = [str(images)] if alone else [str(path) for path in images]
    stills = [path for path in paths if not is_video(path)]
    videos = [path for path in paths if is_video(path)] or _only_videos(paths)
    dataset = dict(type='UnlabeledImageDataset', images=paths[0] if alone else paths)
    if not videos:
        return [], dataset
    if stills and len(stills) < len(paths):
        raise PreflightError(
            f'{videos[0]} is a video and {stills[0]} is not; label them in two calls'
        )
    return find_files(videos, VIDEO_SUFFIXES, expected='videos').paths(), dataset


def _only_videos(paths: list[str]) -> list[str]:
    """The paths where they stand for videos and no image, as a folder of videos."""
    if all(map(os.path.isfile, paths)):
        return []
    try:
        find_files(paths)
    except MissingDataError:
        try:
            return find_files(paths, VIDEO_SUFFIXES).paths()
        except MissingDataError:
            pass
    return []


def _root(dataset: BaseDataset) -> str:
    """The folder that the names of the labels begin at."""
    info = dataset.get_data_info(0)
    if 'relative_path' in info:
        return info['img_path'].removesuffix(info['relative_path'])
    return dataset.data_prefix['img_path']


def _class_meta(
    cfg: Config, dataset: BaseDataset
) -> tuple[Sequence[str] | None, Sequence | None]:
    """Names and colours of the classes, as far as they are known."""
    tested = cfg.test_dataloader.dataset
    own = getattr(DATASETS.get(tested.type), 'METAINFO', {})
    metainfo = tested.get('metainfo') or own
    if dataset.metainfo.get('classes'):
        metainfo = dataset.metainfo
    return metainfo.get('classes'), metainfo.get('palette')


def _plain(node: object) -> object:
    """Types of JSON, without where a model's first weights come from."""
    if isinstance(node, Mapping):
        return {
            str(key): _plain(value)
            for key, value in node.items()
            if key not in _INITIALIZATION
        }
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    return json.loads(json.dumps(node, default=repr))
