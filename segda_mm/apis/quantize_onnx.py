"""From an exported graph to one that computes in 8-bit integers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from segda_mm.errors import PreflightError
from segda_mm.files import atomic_file

from .export_libraries import export_library

#: What is computed in integers. Normalisation, and what follows the logits, is not.
QUANTIZED_OPERATORS = ('Conv', 'MaxPool', 'GlobalAveragePool', 'Add', 'Mul', 'Concat')


def quantize_onnx(
    file: str | Path, out: str | Path, batches: Iterable[np.ndarray]
) -> None:
    """Quantise a graph statically: uint8 values, int8 weights for each channel.

    The quantised operators stand between ``QuantizeLinear`` and
    ``DequantizeLinear``, with ranges from the least and greatest values that the
    calibration images lead to. Input, outputs and metadata stay as they are; the
    metadata say ``quantization`` as well.

    Args:
        file: what :func:`export_onnx` wrote.
        out: the file to write.
        batches: calibration images as the graph takes them, (N, 3, H, W) uint8.

    Raises:
        PreflightError: ``file`` is missing, was not exported by this package or
            is quantised already, there are no images, or the libraries are not
            installed.
    """
    onnx = export_library('onnx')
    quantization = export_library('onnxruntime.quantization')
    if not Path(file).is_file():
        raise PreflightError(f'there is no graph {file}')
    proto = onnx.load(str(file))
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    if 'segda_mm_version' not in metadata:
        raise PreflightError(
            f'{file} does not say what it takes; quantise one that '
            'tools/deploy/export_onnx.py wrote'
        )
    if 'quantization' in metadata:
        raise PreflightError(
            f'{file} is quantised already; take the graph it was made of'
        )
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantized = Path(folder, 'prepared.onnx'), Path(folder, 'int8.onnx')
        quantization.shape_inference.quant_pre_process(
            str(file), str(prepared), skip_symbolic_shape=True
        )
        reader = _calibration_reader(quantization, batches)
        quantization.quantize_static(
            str(prepared),
            str(quantized),
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED_OPERATORS),
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


def _calibration_reader(quantization: ModuleType, batches: Iterable[np.ndarray]) -> Any:
    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
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

    return Reader()
