"""Time real-time inference in several ways: PyTorch, ONNX Runtime and OpenVINO.

One image at a time goes from pixels in the memory to logits at its size; only the
network runs, nothing is read, resized or written. The bound is the bare network in
PyTorch, fp32: from normalised pixels to logits at its own stride. Weights and images
are random, which does not matter for the time; what a way costs in mIoU is measured by
quantized_accuracy.py. The ways that compute in fp32 must give the labels of PyTorch.
OpenVINO is measured where it is installed, bfloat16 on a GPU that has it.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from timing import parser_for, report, time_ways, timed_lines

from segda_mm.apis import export_onnx, load_config, quantize_onnx
from segda_mm.apis.deployed_model import load_model
from segda_mm.apis.onnx.export import ImageGraph
from segda_mm.registry import MODELS
from studies.records import ROOT, provenance

try:
    import openvino
except ImportError:
    openvino = None

CONFIG = 'configs/supervised/supervised_bisenetv1-r18_cityscapes-512x1024.py'
BOUND = 'bare network'
REFERENCE = 'PyTorch fp32'
LEAST_AGREEMENT = 0.999

Ways = dict[str, Callable[[], object]]


def torch_ways(graph: ImageGraph, image: torch.Tensor) -> Ways:
    """The bare network, and the whole graph in PyTorch."""
    bare_input = (image - graph.mean) / graph.std
    reordered = copy.deepcopy(graph).to(memory_format=torch.channels_last)
    strided = image.contiguous(memory_format=torch.channels_last)
    ways: Ways = {
        BOUND: lambda: graph.network._forward(bare_input),
        REFERENCE: lambda: graph(image)[0],
        'PyTorch fp32, channels_last': lambda: reordered(strided)[0],
    }
    if image.device.type == 'cuda':
        for name, half in (('fp16', torch.float16), ('bf16', torch.bfloat16)):
            cast = torch.autocast('cuda', half)
            ways[f'PyTorch {name}, channels_last'] = cast(lambda: reordered(strided)[0])
    return ways


def runtime_ways(files: Mapping[str, Path], image: np.ndarray, threads: int) -> Ways:
    """ONNX Runtime and OpenVINO on graphs."""
    wanted = ['CUDAExecutionProvider'] if get_device() == 'cuda' else []
    available = onnxruntime.get_available_providers()
    providers = [name for name in wanted if name in available]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    ways: Ways = {}
    for kind, file in files.items():
        session = onnxruntime.InferenceSession(
            str(file), options, providers=[*providers, 'CPUExecutionProvider']
        )
        run = partial(session.run, ['logits'], dict(image=image))
        ways[f'ONNX Runtime {kind}'] = lambda run=run: run()[0]
        if openvino is not None:
            settings = dict(
                INFERENCE_NUM_THREADS=threads,
                INFERENCE_PRECISION_HINT='f32',
                PERFORMANCE_HINT='LATENCY',
            )
            compiled = openvino.Core().compile_model(str(file), 'CPU', settings)
            ways[f'OpenVINO {kind}'] = lambda run=compiled: run([image])[0]
    return ways


def require_equal_labels(ways: Ways) -> None:
    """End the program where a way in fp32 gives other labels than PyTorch."""

    def labels(way: Callable) -> np.ndarray:
        logits = way()
        if isinstance(logits, torch.Tensor):
            logits = logits.float().cpu().numpy()
        return logits.argmax(1)

    expected = labels(ways[REFERENCE])
    for name, way in ways.items():
        if 'fp32' in name:
            share = float((labels(way) == expected).mean())
            if share < LEAST_AGREEMENT:
                sys.exit(f'inference: {name} has {share:.2%} of the labels of PyTorch')


@torch.inference_mode()
def measure(config: str, size: str, threads: int, repeats: int) -> list[dict]:
    """The lines of one config and size."""
    height, width = map(int, size.split('x'))
    cfg = load_config(ROOT / config)
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, 'random.pth')
        weights = MODELS.build(cfg.model).state_dict()
        torch.save(dict(state_dict=weights), checkpoint)
        files = {kind: Path(folder, f'{kind}.onnx') for kind in ('fp32', 'int8')}
        export_onnx(cfg, checkpoint, files['fp32'], size=(width, height))
        shape = (2, 1, 3, height, width)
        images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
        quantize_onnx(files['fp32'], files['int8'], images)
        graph = ImageGraph(load_model(cfg, checkpoint), (height, width), False)
        graph = graph.to(get_device()).eval()
        image = torch.from_numpy(images[0]).to(get_device())
        ways = {
            **torch_ways(graph, image),
            **runtime_ways(files, images[0], threads),
        }
        require_equal_labels(ways)
        timings = time_ways(ways, repeats)
    # As supervised_bisenetv1-r18_cityscapes-512x1024.py.
    network = (Path(config).stem.split('_') + [''])[1]
    return timed_lines(f'inference, {network}', size, timings, BOUND)


def main() -> None:
    parser = parser_for(__doc__, repeats=8)
    parser.add_argument(
        'configs', nargs='*', default=[CONFIG], help='(BiSeNet-R18 for Cityscapes)'
    )
    parser.add_argument(
        '--sizes', nargs='+', default=['512x1024', '720x1280'], help='HxW of the image'
    )
    args = parser.parse_args()
    origin = provenance()
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(args.threads)
    lines = [
        line
        for config in args.configs
        for size in args.sizes
        for line in measure(config, size, args.threads, args.repeats)
    ]
    report('inference', lines, origin, args.out)


if __name__ == '__main__':
    main()
