"""From a checkpoint to one ONNX file that needs nothing of this package."""

from __future__ import annotations

import importlib
import io
import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.models import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from segda_mm import __version__
from segda_mm.errors import PreflightError
from segda_mm.files import atomic_file
from segda_mm.models.checkpoints import sha256_of_file
from segda_mm.models.segmentors import PanopticDeepLab
from segda_mm.models.segmentors.panoptic_deeplab import POST_PROCESSING_KEYS
from segda_mm.ops.class_probabilities import two_class_logits
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR
from segda_mm.ops.panoptic_outputs import resize_panoptic_outputs
from segda_mm.outputs import note_files, require_own_files

from ..checks.config_errors import step_errors
from ..checks.models import require_channels, require_sound_model
from ..deployed_model import class_meta, deployed_network, load_model
from .pooling import PoolingByMatrices

#: From weights per channel in int8 graphs to what the exporter knows.
OPSETS = range(13, 21)

#: Names of the outputs by kind of network and whether the post-processing is inside.
OUTPUTS = {
    ('semantic', False): ('logits',),
    ('semantic', True): ('labels',),
    ('panoptic', False): ('logits', 'center_heatmap', 'offset'),
    ('panoptic', True): ('labels', 'center_values', 'center_points', 'offset'),
}


def export_onnx(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    *,
    size: tuple[int, int] | None = None,
    post_processing: bool = False,
    opset: int = 17,
    predict_on: str | None = None,
) -> dict[str, str]:
    """Write the network that predicts as an ONNX graph.

    The graph takes ``image``, (N, 3, H, W) uint8 in RGB, where N is free, or 1 for
    networks that can be written for a fixed number only (Swin Transformer). It
    normalises and pads as the model's data preprocessor does, to what the network
    takes. What comes out has the image's size:

    - semantic: ``logits`` (N, C, H, W) float32 (of a head with one channel, two, the
      second of which is lowered so that it is the larger one where the head's
      ``threshold`` is reached), or with ``post_processing``
      ``labels`` (N, H, W) uint8;
    - panoptic: ``logits``, ``center_heatmap`` (N, 1, H, W) and ``offset``
      (N, 2, H, W), (y, x) in pixels, all float32. With ``post_processing``,
      ``labels``, ``center_values`` (N, K) float32, strongest first and -inf where
      there is no further center, ``center_points`` (N, K, 2) int64, (y, x), and
      ``offset``. Taking pixels to their centers stays outside.

    Args:
        cfg: The config of the run.
        checkpoint: A local checkpoint of the run.
        out: The file to write.
        size: (width, height) of the images; by default that of the ``Resize`` in
            the config's test pipeline.
        post_processing: Whether labels, rather than logits, come out.
        opset: Version of the ONNX operators, one of :data:`OPSETS`.
        predict_on: See :func:`load_model`.

    Returns:
        What the file's ``metadata_props`` say, each value as JSON: kind, classes,
        sizes, normalisation (done inside the graph), versions and the checkpoint.

    Raises:
        PreflightError: The checkpoint is missing or does not fit, no size is
            known or it does not fit the model, the model cannot be exported,
            ``opset`` is out of range, or the libraries are not installed.
    """
    onnx = export_library('onnx')
    if opset not in OPSETS:
        raise PreflightError(f'opset {opset} is not in [{OPSETS[0]}, {OPSETS[-1]}]')
    width, height = size or _size_of_test_images(cfg)
    require_own_files([out], filter(None, [checkpoint, cfg.filename]))
    model = load_model(cfg, checkpoint, predict_on)
    graph = ImageGraph(model, (height, width), post_processing).eval()
    outputs = OUTPUTS[graph.kind, post_processing]
    # Not zeros: a trace of equal values might take a short cut.
    image = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    with step_errors(cfg, f'exporting for images of {width}x{height}', model):
        with torch.inference_mode():
            expected = graph(image)
        content = _trace(graph, image, outputs, opset)
        if not _holds_alone(content, image, expected[0]):
            # The network turns the number of images into a constant, as Swin's do.
            content = _trace(graph, image[:1], outputs, opset, any_number=False)
    proto = onnx.load_from_string(content)
    # The exporter makes up names for the sizes of the outputs.
    for output, values in zip(proto.graph.output, expected, strict=True):
        sides = output.type.tensor_type.shape.dim[1:]
        for dimension, length in zip(sides, values.shape[1:]):
            dimension.dim_value = length
    metadata = _metadata(cfg, graph, opset, checkpoint)
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    with atomic_file(out) as unfinished:
        unfinished.write_bytes(proto.SerializeToString())
    note_files([out])
    return metadata


def _trace(
    graph: ImageGraph,
    image: Tensor,
    outputs: Sequence[str],
    opset: int,
    any_number: bool = True,
) -> bytes:
    """The content of a graph that takes as many images as these, or any number."""
    buffer: Any = io.BytesIO()
    named = ('image', *outputs) if any_number else ()
    with warnings.catch_warnings(), torch.inference_mode(), PoolingByMatrices():
        # Sizes become constants, which is what is wanted here.
        warnings.simplefilter('ignore')
        # The other exporter takes twenty times as long for the same numbers, and
        # writes global pooling as ReduceMean, for which there is no int8 kernel.
        torch.onnx.export(
            graph,
            (image,),
            buffer,
            dynamo=False,
            input_names=['image'],
            output_names=list(outputs),
            dynamic_axes={name: {0: 'batch'} for name in named},
            opset_version=opset,
        )
    return buffer.getvalue()


def _holds_alone(content: bytes, images: Tensor, expected: Tensor) -> bool:
    """Whether a graph, traced with some images, makes of the first the same alone."""
    session = export_library('onnxruntime').InferenceSession(
        content, providers=['CPUExecutionProvider']
    )
    (alone,) = session.run(
        [session.get_outputs()[0].name], {'image': images[:1].numpy()}
    )
    difference = np.abs(alone[0].astype(np.float32) - expected[0].float().numpy())
    if expected.is_floating_point():
        return bool(difference.max() <= 0.01 * expected.abs().max())
    return bool((difference > 0).mean() < 0.001)


class ImageGraph(nn.Module):
    """From uint8 images to what is exported, the model's data preprocessor inside.

    Args:
        model: A whole model, as :func:`load_model` gives it.
        size: (H, W) of the images.
        post_processing: See :func:`export_onnx`.
    """

    def __init__(
        self, model: BaseSegmentor, size: tuple[int, int], post_processing: bool
    ) -> None:
        super().__init__()
        network: Any = deployed_network(model)
        self.kind = 'panoptic' if isinstance(network, PanopticDeepLab) else 'semantic'
        if network.test_cfg.get('mode', 'whole') != 'whole':
            raise PreflightError(
                f'model.test_cfg.mode is {network.test_cfg.mode!r}, but a graph sees '
                "whole images only; set it to 'whole'"
            )
        # It would ask whether there is a group of processes.
        self.network: Any = revert_sync_batchnorm(network)
        self.size = size
        self.post_processing = post_processing
        #: Of the foreground's probability, where the head has one channel.
        self.threshold = None
        if network.out_channels == 1:
            self.threshold = network.decode_head.threshold
        preprocessor: Any = model.data_preprocessor
        blank = torch.zeros(3, *size, dtype=torch.uint8)
        require_channels(model, blank, 'an image of a graph (RGB)')
        require_sound_model(model)
        try:
            padded = preprocessor(dict(inputs=[blank], data_samples=[SegDataSample()]))
        except ValueError as error:
            raise PreflightError(str(error)) from error
        self.padded_size = tuple(padded['inputs'].shape[2:])
        self.pad_value = preprocessor.pad_val
        # Pictures are read as BGR.
        self.takes_rgb = preprocessor._channel_conversion
        normalizes = preprocessor._enable_normalize
        mean = preprocessor.mean if normalizes else torch.zeros(3, 1, 1)
        std = preprocessor.std if normalizes else torch.ones(3, 1, 1)
        self.mean, self.std = nn.Buffer(mean), nn.Buffer(std)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """What :func:`export_onnx` lists, for (N, 3, H, W) uint8 in RGB."""
        inputs = image.float() if self.takes_rgb else image.float().flip(1)
        inputs = (inputs - self.mean) / self.std
        (height, width), (full_height, full_width) = self.size, self.padded_size
        padding = (0, full_width - width, 0, full_height - height)
        if any(padding):
            inputs = F.pad(inputs, padding, value=self.pad_value)
        maps: tuple[Tensor, ...]
        if self.kind == 'panoptic':
            outputs = self.network.raw_outputs(inputs)
            maps = tuple(resize_panoptic_outputs(outputs, self.padded_size))
        else:
            meta = dict(img_shape=self.padded_size, pad_shape=self.padded_size)
            maps = (self._logits(self.network.encode_decode(inputs, [meta])),)
        if any(padding):
            maps = tuple(values[..., :height, :width] for values in maps)
        if not self.post_processing:
            return maps
        labels = maps[0].argmax(1).to(torch.uint8)
        if self.kind == 'semantic':
            return (labels,)
        return labels, *self._centers(maps[1]), maps[2]

    def _logits(self, logits: Tensor) -> Tensor:
        """Those of whose the largest is predicted, also where a threshold decides."""
        if self.threshold is None:
            return logits
        shift = math.log(self.threshold / (1 - self.threshold))
        return two_class_logits(logits - shift)

    def _centers(self, heatmap: Tensor) -> tuple[Tensor, Tensor]:
        """As ``find_centers``, but always K of them."""
        test_cfg = self.network.test_cfg
        window = test_cfg.nms_kernel_size
        highest = F.max_pool2d(heatmap, window, stride=1, padding=window // 2)
        is_center = (heatmap == highest) & (heatmap > test_cfg.center_threshold)
        values = heatmap.masked_fill(~is_center, float('-inf')).flatten(1)
        height, width = self.size
        # Of equal values, ONNX takes those that come first, as find_centers does.
        values, pixels = values.topk(min(test_cfg.top_k, height * width))
        rows = torch.div(pixels, width, rounding_mode='floor')
        return values, torch.stack([rows, pixels - rows * width], 2)


def _metadata(
    cfg: Config, graph: ImageGraph, opset: int, checkpoint: str | Path
) -> dict[str, str]:
    """What stands in a file's ``metadata_props``, each value as JSON."""
    height, width = graph.size
    metadata = dict(
        kind=graph.kind,
        post_processing=graph.post_processing,
        **class_meta(cfg),
        input_size=[width, height],
        color_order='RGB',
        align_corners=graph.network.align_corners,
        # Whole 32-bit numbers would be shown with digits that nobody wrote.
        mean=[round(value, 4) for value in graph.mean.flatten().tolist()],
        std=[round(value, 4) for value in graph.std.flatten().tolist()],
        opset=opset,
        segda_mm_version=__version__,
        checkpoint_sha256=sha256_of_file(checkpoint),
    )
    if graph.threshold is not None:
        metadata['threshold'] = graph.threshold
    if graph.kind == 'panoptic':
        test_cfg = graph.network.test_cfg
        metadata.update(
            thing_classes=list(graph.network.decode_head.thing_classes),
            label_divisor=LABEL_DIVISOR,
            **{key: test_cfg[key] for key in POST_PROCESSING_KEYS},
        )
    return {key: json.dumps(value) for key, value in metadata.items()}


def _size_of_test_images(cfg: Config) -> tuple[int, int]:
    """(width, height) that the config's test pipeline resizes images to."""
    for step in cfg.test_dataloader.dataset.get('pipeline', ()):
        if step['type'] == 'Resize' and not step.get('keep_ratio'):
            width, height = step['scale']
            return width, height
    raise PreflightError(
        f'the test pipeline of {cfg.filename} resizes images to no fixed size; say '
        'for which the graph is to be, as --size 2048x1024'
    )


def export_library(module: str) -> ModuleType:
    """Import a module of the extra ``export``, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PreflightError(
            f'{module} cannot be imported ({error}); install what exporting needs '
            "with `pip install -e '.[export]'`"
        ) from error
