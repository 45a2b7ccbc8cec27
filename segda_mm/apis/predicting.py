"""A trained network, ready for pictures and videos."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from torch import nn

from segda_mm.datasets.formats.videos import MAX_LOST_FRAMES
from segda_mm.errors import PreflightError
from segda_mm.inference.frames import Frame, ahead
from segda_mm.inference.networks import ModelNetwork, Network, OnnxNetwork
from segda_mm.inference.onnx_predict import OnnxSegmentor
from segda_mm.inference.outputs import check_output, write_frames
from segda_mm.inference.sources import Picture, Source, open_source
from segda_mm.models.checkpoints import read_checkpoint
from segda_mm.models.segmentors import PanopticDeepLab
from segda_mm.registry import MODELS

from .checks.config_errors import step_errors
from .checks.models import channels_taken, require_channels
from .deployed_model import (
    averaging_views,
    chosen_checkpoint,
    class_meta,
    config_of_checkpoint,
    deployed_network,
    load_model,
)
from .network_stride import pad_to_stride


class Predictor:
    """Predicts with a trained network on pictures, videos and cameras.

    ``for frame in Predictor('runs/my')('drive.mp4'): frame.overlay()``. Reading, the
    network and who takes the frames work side by side, and however long a video is,
    a few frames are in memory. Of a panoptic network the classes are predicted.

    Args:
        weights: A run folder, of which the best checkpoint is taken, else the latest;
            a checkpoint; or an ``.onnx`` that :func:`export_onnx` wrote.
        config: The config of the checkpoint; by default the ``.py`` of its name, or
            the only one, beside it.
        tta: Average over the views that the config's ``tta_model`` and
            ``tta_pipeline`` make.
        window: (H, W) of windows, to slide over the picture as the test pipeline
            leaves it, in steps of two thirds.
        classes: Names and RGB colours, ``dict(road=[128, 64, 128], ...)``, in place
            of those that the network was trained with.
        predict_on: A role of the method, as ``'student'`` or ``'teacher'``.
        device: As ``'cuda:1'``; by default a GPU, where there is one. ONNX Runtime
            uses CUDA where its build has it.

    Attributes:
        classes: Names of the classes.
        palette: Their colours, RGB.

    Raises:
        PreflightError: There is no such file, or no config of it; the weights do not
            fit; the table of classes is another network's; the graph is another
            program's; or an option does not go with the network.
    """

    classes: list[str]
    palette: list[list[int]]

    def __init__(
        self,
        weights: str | Path,
        config: str | Path | Config | None = None,
        *,
        tta: bool = False,
        window: tuple[int, int] | None = None,
        classes: Mapping[str, Sequence[int]] | None = None,
        predict_on: str | None = None,
        device: str | None = None,
    ) -> None:
        weights = Path(weights)
        self._network: Network
        table: Mapping[str, Any]
        if weights.suffix == '.onnx':
            if config or tta or window or predict_on or device:
                raise PreflightError(
                    f'{weights} is a graph that sees whole pictures and knows its '
                    'config; without config, tta, window, predict_on and device'
                )
            try:
                graph = OnnxSegmentor(weights)
            except ValueError as error:
                raise PreflightError(str(error)) from error
            self._network = OnnxNetwork(graph)
            self._errors = partial(step_errors, Config())
            table, num_classes = graph.metadata, len(graph.metadata['classes'])
        else:
            checkpoint = chosen_checkpoint(weights)
            cfg = config
            if not isinstance(cfg, Config):
                cfg = config_of_checkpoint(checkpoint, cfg)
            pipeline = _pipeline(cfg, tta)
            model: Any = load_model(cfg, checkpoint, predict_on)
            num_classes = deployed_network(model).num_classes
            if window is not None:
                _slide(model, window)
                pad_to_stride(model)
            module = model
            if tta:
                model = MODELS.build(averaging_views(cfg, model))
            self._errors = partial(step_errors, cfg, model=model)
            model.to(device or get_device()).eval()
            kind = pipeline[0].get('color_type')
            may_be_gray = kind == 'unchanged' and channels_taken(module) == 1
            self._network = ModelNetwork(
                model,
                pipeline,
                is_gray=may_be_gray or str(kind).startswith('grayscale'),
            )
            with self._errors('preparing a picture'):
                _, blank = self._network.prepare(np.zeros((64, 128, 3), np.uint8))
            require_channels(module, blank['inputs'], 'a picture, as it is read here,')
            table = {} if classes else _class_meta(cfg, checkpoint)
        if classes is not None:
            if not isinstance(classes, Mapping):
                raise PreflightError(
                    'classes must map names to RGB colours, dict(road=[128, 64, 128], '
                    f'...), but is {classes!r}'
                )
            table = dict(classes=list(classes), palette=list(classes.values()))
        _check_table(table, num_classes, weights)
        self.classes = [str(name) for name in table['classes']]
        self.palette = [[int(value) for value in color] for color in table['palette']]

    def __call__(
        self,
        source: object,
        *,
        batch_size: int = 1,
        confidence: bool = True,
        max_lost_frames: float = MAX_LOST_FRAMES,
    ) -> Iterator[Frame]:
        """Predict on all pictures of a source, in their order.

        Args:
            source: An image, a folder, a glob pattern, a ``.txt`` list, a list of
                image files, a video, the number of a camera, or one array (H, W, 3)
                uint8 in RGB or an iterable of such.
            batch_size: Pictures that go through the network together, if alike.
            confidence: Whether frames shall have it; it costs a pass over the logits.
            max_lost_frames: Share of a video's frames that may be damaged, in [0, 1].

        Raises:
            DataError: A video or image cannot be decoded, or this is no source; and
                at the end of a video that is too damaged.
            MissingDataError: There is no such file, folder or camera.
        """
        opened = open_source(source, max_lost_frames)
        return self._frames(opened, batch_size, confidence)

    def save(
        self,
        source: object,
        out: str | Path,
        kinds: Sequence[str] = ('overlay',),
        *,
        batch_size: int = 1,
        opacity: float = 0.5,
        max_lost_frames: float = MAX_LOST_FRAMES,
    ) -> int:
        """Predict on all pictures of a source and write what was predicted.

        Args:
            source: See :meth:`__call__`.
            out: A video, of the frame rate of the source, or a folder for
                ``<kind>/<name of the picture>.png``.
            kinds: ``'labels'`` (PNGs of class ids), ``'colors'``, ``'overlay'``; one
                of the latter two for a video.
            batch_size: See :meth:`__call__`.
            opacity: Share of the colours in an overlay.
            max_lost_frames: See :meth:`__call__`.

        Returns:
            The number of pictures.

        Raises:
            DataError: As :meth:`__call__`, pictures of a video differ in size, or
                there is none.
            FileNotWrittenError: The disk is full, or the like.
            MissingDataError: As :meth:`__call__`.
            PreflightError: The kinds do not go with ``out``, or ``out`` is what is
                read or lies within it.
        """
        opened, out = open_source(source, max_lost_frames), Path(out)
        check_output(out, kinds, opened)
        with closing(self._frames(opened, batch_size, False)) as frames:
            return write_frames(frames, out, kinds, opened, opacity)

    def _frames(
        self, source: Source, batch_size: int, confidence: bool
    ) -> Generator[Frame]:
        if batch_size < 1:
            raise PreflightError(f'batch_size is {batch_size}, but must be at least 1')
        inputs = ahead(self._inputs(source), waiting=2 * batch_size)
        return ahead(self._predicted(inputs, batch_size, confidence), batch_size)

    def _inputs(self, source: Source) -> Iterator[tuple[Picture, Hashable, Any]]:
        for picture in source.pictures():
            with self._errors(f'preparing {_name(picture)}'):
                prepared = self._network.prepare(picture.image)
            yield picture, *prepared

    def _predicted(
        self, inputs: Generator, batch_size: int, confidence: bool
    ) -> Iterator[Frame]:
        batch: list[tuple[Picture, Hashable, Any]] = []
        with closing(inputs):
            for item in inputs:
                if batch and (len(batch) == batch_size or item[1] != batch[0][1]):
                    yield from self._of_batch(batch, confidence)
                    batch = []
                batch.append(item)
        if batch:
            yield from self._of_batch(batch, confidence)

    def _of_batch(self, batch: list, confidence: bool) -> Iterator[Frame]:
        pictures = [picture for picture, _, _ in batch]
        with self._errors(f'predicting on {_name(pictures[0])}'):
            predictions = self._network.predict(
                [given for _, _, given in batch],
                [picture.image.shape[:2] for picture in pictures],
                confidence,
            )
        for picture, prediction in zip(pictures, predictions, strict=True):
            yield Frame(
                picture.image,
                *prediction,
                name=picture.name,
                path=picture.path,
                index=picture.index,
                time=picture.time,
                palette=self.palette,
                orientation=picture.orientation,
            )


def _name(picture: Picture) -> str:
    """A picture and its size, in words."""
    height, width = picture.image.shape[:2]
    return f'{picture.path or picture.name} ({width}x{height})'


def _pipeline(cfg: Config, tta: bool) -> Sequence[dict]:
    if tta:
        for key in ('tta_model', 'tta_pipeline'):
            if cfg.get(key) is None:
                raise PreflightError(f'tta needs `{key}` in the config {cfg.filename}')
        return cfg.tta_pipeline
    if 'test_dataloader' in cfg:
        return cfg.test_dataloader.dataset.pipeline
    if 'test_pipeline' in cfg:
        return cfg.test_pipeline
    raise PreflightError(
        f'{cfg.filename} has neither test_dataloader nor test_pipeline, which say how '
        'pictures are read and resized'
    )


def _slide(model: nn.Module, window: tuple[int, int]) -> None:
    network: Any = deployed_network(model)
    if isinstance(network, PanopticDeepLab) or not hasattr(network, 'slide_inference'):
        raise PreflightError(
            f'a {type(network).__name__} sees whole pictures: no window'
        )
    if min(window) < 1:
        raise PreflightError(f'a window of {window} (H, W) holds no pixel')
    stride = [max(1, side * 2 // 3) for side in window]
    network.test_cfg = ConfigDict(
        network.test_cfg, mode='slide', crop_size=window, stride=stride
    )


def _class_meta(cfg: Config, checkpoint: Path) -> Mapping[str, list]:
    """Names and colours as the config has them, else the checkpoint."""
    try:
        return class_meta(cfg)
    except (AttributeError, KeyError, TypeError):
        meta = read_checkpoint(checkpoint).get('meta') or {}
    return meta.get('dataset_meta') or {}


def _check_table(table: Mapping, num_classes: int, weights: Path) -> None:
    names, colors = table.get('classes'), table.get('palette')
    if not names or not colors:
        raise PreflightError(
            f'neither {weights} nor its config names the classes and their colours; '
            'give them: classes=dict(road=[128, 64, 128], ...)'
        )
    if len(names) != num_classes or len(colors) != num_classes:
        raise PreflightError(
            f'{weights} tells {num_classes} classes apart, but the table has '
            f'{len(names)} names ({", ".join(map(str, names))}) and {len(colors)} '
            'colours'
        )
    for name, color in zip(names, colors):
        whole = isinstance(color, Sequence | np.ndarray) and not isinstance(color, str)
        if not whole or len(color) != 3 or any(v not in range(256) for v in color):
            raise PreflightError(
                f'the colour of {name} is {color!r}, but must be three whole numbers '
                'from 0 to 255 (RGB)'
            )
    if num_classes > 255:
        raise PreflightError(f'{num_classes} classes do not fit into labels of 8 bits')
