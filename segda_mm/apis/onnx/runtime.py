"""What ONNX Runtime does with an exported graph: compare it, and quantise it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmseg.models import BaseSegmentor
from mmseg.structures import SegDataSample

from segda_mm.errors import PreflightError
from segda_mm.files import atomic_file
from segda_mm.inference.onnx_predict import read_picture
from segda_mm.minicity import render_frame
from segda_mm.ops.panoptic_grouping import find_centers
from segda_mm.outputs import note_files, require_own_files

from ..deployed_model import deployed_network, load_model
from .export import export_library

#: Least share of the pixels that must get the same label.
LEAST_AGREEMENT = 0.999

#: Streets that are drawn where no images are given, and their (width, height).
NUM_STREETS, STREET_SIZE = 3, (512, 256)

#: What is computed in integers. Normalisation, and what follows the logits, is not.
QUANTIZED_OPERATORS = ('Conv', 'MaxPool', 'GlobalAveragePool', 'Add', 'Mul', 'Concat')


def verify_onnx(
    cfg: Config,
    checkpoint: str | Path,
    file: str | Path,
    images: Sequence[str | Path] = (),
    predict_on: str | None = None,
) -> dict:
    """Compare an ONNX file in ONNX Runtime with the model it comes from.

    Each image goes through the graph alone, and the first two once more together
    where the graph takes them.

    Args:
        cfg: The config of the run.
        checkpoint: The checkpoint that was exported.
        file: What :func:`export_onnx` wrote.
        images: Image files, to be resized; without any, streets of the miniature world.
        predict_on: As it was exported.

    Returns:
        ``agreement``, the share of pixels with the same label, and
        ``center_agreement``, of centers at the same pixel (None without centers),
        both the lowest of any image; ``max_difference`` of the floating-point maps
        (None without maps); ``opset``; ``batches``, the numbers of images that went
        through together; ``images``; and ``passed``, whether both agreements reach
        :data:`LEAST_AGREEMENT`.

    Raises:
        PreflightError: An image cannot be read, the weights do not fit, or the
            libraries are not installed.
    """
    onnxruntime = export_library('onnxruntime')
    model = load_model(cfg, checkpoint, predict_on)
    session = onnxruntime.InferenceSession(
        str(file), providers=['CPUExecutionProvider']
    )
    found = session.get_modelmeta().custom_metadata_map
    metadata = {key: json.loads(value) for key, value in found.items()}
    size = tuple(metadata['input_size'])
    if images:
        pictures = [_read(path) for path in images]
    else:
        frames = (render_frame('real', 0, i, STREET_SIZE) for i in range(NUM_STREETS))
        pictures = [frame.image[..., ::-1] for frame in frames]
    pictures = [
        cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        for picture in pictures
    ]
    # Beside an only one goes what it looks like in a mirror.
    pair = [*pictures, np.ascontiguousarray(pictures[0][:, ::-1])][:2]
    batches = [[picture] for picture in pictures]
    if session.get_inputs()[0].shape[0] != 1:
        batches.append(pair)

    names = [output.name for output in session.get_outputs()]
    comparisons = []
    for batch in batches:
        rgb = np.stack([picture[..., ::-1].transpose(2, 0, 1) for picture in batch])
        outputs = session.run(None, dict(image=np.ascontiguousarray(rgb)))
        for index, picture in enumerate(batch):
            of_image = {name: values[index] for name, values in zip(names, outputs)}
            comparisons.append(_compare(of_image, _predict(model, picture), model))
    agreement = min(comparison['agreement'] for comparison in comparisons)
    centers = [c['center_agreement'] for c in comparisons if 'center_agreement' in c]
    differences = [c['difference'] for c in comparisons if 'difference' in c]
    return dict(
        agreement=agreement,
        center_agreement=min(centers, default=None),
        max_difference=max(differences, default=None),
        opset=metadata['opset'],
        batches=sorted({len(batch) for batch in batches}),
        images=len(pictures),
        passed=min([agreement, *centers]) >= LEAST_AGREEMENT,
    )


def _read(path: str | Path) -> np.ndarray:
    try:
        return np.ascontiguousarray(read_picture(path)[..., ::-1])
    except ValueError as error:
        raise PreflightError(str(error)) from error


@torch.inference_mode()
def _predict(model: BaseSegmentor, picture: np.ndarray) -> SegDataSample:
    shape = picture.shape[:2]
    sample = SegDataSample(metainfo=dict(ori_shape=shape, img_shape=shape))
    inputs = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    return model.test_step(dict(inputs=[inputs], data_samples=[sample]))[0]


def _compare(
    outputs: dict[str, np.ndarray], expected: SegDataSample, model: BaseSegmentor
) -> dict:
    labels = outputs['labels'] if 'labels' in outputs else outputs['logits'].argmax(0)
    expected_labels = expected.pred_sem_seg.data[0].numpy()
    result = dict(agreement=float((labels == expected_labels).mean()))
    maps = dict(
        logits='seg_logits', center_heatmap='pred_center_heatmap', offset='pred_offset'
    )
    if 'logits' in outputs and len(expected.seg_logits.data) == 1:
        # Of one channel mmseg has the probability; the graph's logits are shifted.
        threshold = deployed_network(model).decode_head.threshold
        shift = np.log(threshold / (1 - threshold))
        background, foreground = outputs['logits']
        probability = 1 / (1 + np.exp(background - foreground - shift))
        outputs = dict(outputs, logits=probability[None])
    differences = [
        np.abs(outputs[name] - expected.get(key).data.numpy()).max()
        for name, key in maps.items()
        if name in outputs
    ]
    if differences:
        result['difference'] = float(max(differences))
    if 'center_points' in outputs:
        test_cfg = deployed_network(model).test_cfg
        centers = find_centers(
            expected.pred_center_heatmap.data[None],
            test_cfg.center_threshold,
            test_cfg.nms_kernel_size,
            test_cfg.top_k,
        )[0]
        points = outputs['center_points'][np.isfinite(outputs['center_values'])]
        ours, theirs = set(map(tuple, points)), set(map(tuple, centers.points.numpy()))
        either = ours | theirs
        result['center_agreement'] = len(ours & theirs) / len(either) if either else 1.0
    return result


def quantize_onnx(
    file: str | Path,
    out: str | Path,
    batches: Iterable[np.ndarray],
    keep: Sequence[str] = (),
) -> None:
    """Quantise a graph statically: uint8 values, int8 weights for each channel.

    Input, outputs and metadata stay; the metadata say ``quantization`` as well.

    Args:
        file: What :func:`export_onnx` wrote.
        out: The file to write.
        batches: Calibration images as the graph takes them, (N, 3, H, W) uint8. The
            least and greatest values that they lead to are the ranges.
        keep: Parts of names of nodes that stay in float32, as ``conv_stem``.

    Raises:
        PreflightError: ``file`` was not exported by this package or is quantised
            already, there are no images, no node has a name to ``keep``, or the
            libraries are not installed.
    """
    onnx = export_library('onnx')
    quantization = export_library('onnxruntime.quantization')
    proto = onnx.load(str(file))
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    if 'segda_mm_version' not in metadata or 'quantization' in metadata:
        raise PreflightError(
            f'{file} is quantised already, or was not written by segda export'
        )
    require_own_files([out], [file])
    reader = _Calibration(batches)
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantized = Path(folder, 'prepared.onnx'), Path(folder, 'int8.onnx')
        quantization.shape_inference.quant_pre_process(
            str(file), str(prepared), skip_symbolic_shape=True
        )
        simplified = onnx.load(str(prepared))
        excluded = _arithmetic_of_sizes(simplified)
        for part in keep:
            kept = [n.name for n in simplified.graph.node if part in n.name]
            if not kept:
                raise PreflightError(f'no node of {file} has {part!r} in its name')
            excluded += kept
        quantization.quantize_static(
            str(prepared),
            str(quantized),
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED_OPERATORS),
            nodes_to_exclude=excluded,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        result = onnx.load(str(quantized))
    metadata['quantization'] = json.dumps(
        dict(weights='int8 per channel', values='uint8', images=reader.num_images)
    )
    onnx.helper.set_model_props(result, metadata)
    onnx.checker.check_model(result)
    with atomic_file(out) as unfinished:
        unfinished.write_bytes(result.SerializeToString())
    note_files([out])


def _arithmetic_of_sizes(proto: Any) -> list[str]:
    """Names of the nodes that compute a padding or a size: rounded, it is another."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    sized = ('Expand', 'Pad', 'Reshape', 'Resize', 'Slice')
    waiting = [
        name
        for node in proto.graph.node
        if node.op_type in sized
        for name in node.input[1:]
    ]
    found = set()
    while waiting:
        node = makers.get(waiting.pop())
        # The input of Shape is a map, and no size.
        if node is not None and node.op_type != 'Shape' and node.name not in found:
            found.add(node.name)
            waiting.extend(node.input)
    return sorted(found)


class _Calibration:
    """Images, as ``quantize_static`` asks for them."""

    def __init__(self, batches: Iterable[np.ndarray]) -> None:
        self.batches = iter(batches)
        self.num_images = 0

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        if batch is None:
            if not self.num_images:
                raise PreflightError('there are no images to calibrate with')
            return None
        self.num_images += len(batch)
        return dict(image=batch)
