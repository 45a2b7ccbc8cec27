"""From a checkpoint to one ONNX file that needs nothing of this package."""

from __future__ import annotations

import importlib
import io
import json
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

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
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR
from segda_mm.ops.panoptic_outputs import resize_panoptic_outputs

from .deployed_model import class_meta, deployed_network, load_model

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

    The graph takes ``image``, (N, 3, H, W) uint8 in RGB, where N is free and H
    and W are fixed. It normalises and pads as the model's data preprocessor does.
    What comes out has the size of the image:

    - semantic: ``logits`` (N, C, H, W) float32, or with ``post_processing``
      ``labels`` (N, H, W) uint8, the most probable class;
    - panoptic: ``logits`` (N, C, H, W), ``center_heatmap`` (N, 1, H, W) and
      ``offset`` (N, 2, H, W), (y, x) in pixels of the image, all float32. With
      ``post_processing``, ``labels`` (N, H, W) uint8, ``center_values`` (N, K)
      float32, strongest first and -inf where there is no further center,
      ``center_points`` (N, K, 2) int64, (y, x), and ``offset``. Taking pixels to
      their centers stays outside.

    Args:
        cfg: The config of the run, as :func:`load_config` gives it.
        checkpoint: A local checkpoint of the run.
        out: The file to write.
        size: (width, height) of the images; by default that of the ``Resize`` in
            the config's test pipeline.
        post_processing: Whether labels, rather than logits, come out.
        opset: Version of the ONNX operators, one of :data:`OPSETS`.
        predict_on: ``'student'`` or ``'teacher'`` for a run of Meta Pseudo
            Labels; by default what its config says.

    Returns:
        What the file's ``metadata_props`` say, each value as JSON: ``kind``
        (``semantic`` or ``panoptic``), ``post_processing``, ``classes``,
        ``palette`` (RGB), ``input_size`` (width, height), ``color_order``,
        ``align_corners`` (how maps are to be resized), ``mean`` and ``std`` (used
        inside the graph), ``opset``, ``segda_mm_version`` and
        ``checkpoint_sha256``; of a panoptic model also ``thing_classes``,
        ``label_divisor`` and its ``test_cfg``.

    Raises:
        PreflightError: The checkpoint is missing or does not fit, no size is
            known or it does not fit the model, the model cannot be exported,
            ``opset`` is out of range, or the libraries are not installed.
    """
    onnx = export_library('onnx')
    if opset not in OPSETS:
        raise PreflightError(
            f'the opset {opset} is not in [{OPSETS[0]}, {OPSETS[-1]}], the versions '
            'that can be written'
        )
    width, height = size or _size_of_test_images(cfg)
    model = load_model(cfg, checkpoint, predict_on)
    graph = ImageGraph(model, (height, width), post_processing).eval()
    outputs = OUTPUTS[graph.kind, post_processing]
    # Not zeros: a trace of equal values might take a short cut.
    image = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        # Sizes become constants, which is what is wanted here.
        warnings.filterwarnings('ignore', category=torch.jit.TracerWarning)
        warnings.filterwarnings('ignore', category=DeprecationWarning)
        warnings.filterwarnings('ignore', message='When align_corners=True')
        warnings.filterwarnings('ignore', message='Constant folding')
        # The other exporter takes twenty times as long for the same numbers, and
        # writes global pooling as ReduceMean, for which there is no int8 kernel.
        torch.onnx.export(
            graph,
            (image,),
            buffer,
            dynamo=False,
            input_names=['image'],
            output_names=list(outputs),
            dynamic_axes={name: {0: 'batch'} for name in ('image', *outputs)},
            opset_version=opset,
        )
        shapes = [tuple(output.shape[1:]) for output in graph(image)]
    proto = onnx.load_from_string(buffer.getvalue())
    # The exporter makes up names for the sizes of the outputs.
    for output, shape in zip(proto.graph.output, shapes, strict=True):
        for dimension, length in zip(output.type.tensor_type.shape.dim[1:], shape):
            dimension.dim_value = length
    metadata = _metadata(cfg, graph, opset, checkpoint)
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    with atomic_file(out) as unfinished:
        unfinished.write_bytes(proto.SerializeToString())
    return metadata


class ImageGraph(nn.Module):
    """From uint8 images to what is exported, the model's data preprocessor inside.

    Args:
        model: A whole model, as :func:`load_model` gives it.
        size: (H, W) of the images.
        post_processing: See :func:`export_onnx`.

    Raises:
        PreflightError: The model slides windows over the image, has one channel
            for two classes, or pads to a smaller size than ``size``.
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
        if network.out_channels < 2:
            raise PreflightError(
                'the decode head has one channel for two classes; only networks with '
                'a channel for every class are exported'
            )
        # It would ask whether there is a group of processes.
        self.network: Any = revert_sync_batchnorm(network)
        self.size = size
        self.post_processing = post_processing
        preprocessor: Any = model.data_preprocessor
        blank = torch.zeros(3, *size, dtype=torch.uint8)
        try:
            padded = preprocessor(dict(inputs=[blank], data_samples=[SegDataSample()]))
        except ValueError as error:
            raise PreflightError(str(error)) from error
        self.padded_size = tuple(padded['inputs'].shape[2:])
        self.pad_value = preprocessor.pad_val
        # Pictures are read as BGR.
        self.takes_rgb = preprocessor._channel_conversion
        mean, std = torch.zeros(3, 1, 1), torch.ones(3, 1, 1)
        if preprocessor._enable_normalize:
            mean, std = preprocessor.mean, preprocessor.std
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer('mean', mean)
        self.register_buffer('std', std)

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
            maps = resize_panoptic_outputs(outputs, self.padded_size)
        else:
            meta = dict(img_shape=self.padded_size, pad_shape=self.padded_size)
            maps = (self.network.encode_decode(inputs, [meta]),)
        if any(padding):
            maps = tuple(values[..., :height, :width] for values in maps)
        if not self.post_processing:
            return tuple(maps)
        labels = maps[0].argmax(1).to(torch.uint8)
        if self.kind == 'semantic':
            return (labels,)
        _, center_heatmap, offset = maps
        return labels, *self._centers(center_heatmap), offset

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
        if (
            step['type'] == 'Resize'
            and step.get('scale')
            and not step.get('keep_ratio')
        ):
            width, height = step['scale']
            return width, height
    raise PreflightError(
        f'the test pipeline of {cfg.filename} resizes images to no fixed size; say '
        'for which the graph is to be, as --size 2048x1024'
    )


def export_library(module: str) -> ModuleType:
    """Import a module of the extra ``export``.

    Raises:
        PreflightError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PreflightError(
            f'{module} cannot be imported ({error}); install what exporting needs '
            "with `pip install -e '.[export]'`"
        ) from error
