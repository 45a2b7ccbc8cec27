"""Time real-time inference in several ways: PyTorch, ONNX Runtime and OpenVINO.

One image at a time goes from pixels in the memory to logits at its size; only the
network runs, nothing is read, resized or written. The bound is the bare network in
PyTorch, fp32: from normalised pixels to logits at its own stride. Weights and images
are random, which does not matter for the time. The ways that compute in fp32 must give
the same labels as PyTorch; how many others do is told, but with random weights says
little (see quantized_accuracy.py). OpenVINO is measured where it is installed, and bf16
where the processor has instructions for it: without, it takes several times as long as
fp32. Prints a table for every config and size, and one JSON line.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from timing import print_table, report, time_ways

from segda_mm.apis import export_onnx, load_config, quantize_onnx
from segda_mm.apis.deployed_model import load_model
from segda_mm.apis.onnx_export import ImageGraph
from segda_mm.apis.results_file import provenance
from segda_mm.registry import MODELS

try:
    import openvino
except ImportError:
    openvino = None

CONFIG = 'configs/supervised/supervised_bisenetv1-r18_cityscapes-512x1024.py'
BOUND = 'bare network, fp32'
REFERENCE = 'PyTorch fp32'
LEAST_AGREEMENT = 0.999
NUM_CALIBRATION_IMAGES = 2


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'configs', nargs='*', default=[CONFIG], help='(BiSeNet-R18 for Cityscapes)'
    )
    parser.add_argument(
        '--sizes', nargs='+', default=['512x1024', '720x1280'], help='HxW of the image'
    )
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=8, help='of each way')
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def torch_ways(
    graph: ImageGraph, image: torch.Tensor
) -> dict[str, Callable[[], torch.Tensor]]:
    """The bare network, and the whole graph in PyTorch, by name."""
    device = image.device
    bare_input = (image - graph.mean) / graph.std
    reordered = copy.deepcopy(graph).to(memory_format=torch.channels_last)

    def way(
        of_graph: ImageGraph, precision: torch.dtype | None
    ) -> Callable[[], torch.Tensor]:
        inputs = image
        if of_graph is reordered:
            inputs = image.contiguous(memory_format=torch.channels_last)

        def run() -> torch.Tensor:
            with torch.autocast(device.type, precision, precision is not None):
                return of_graph(inputs)[0]

        return run

    ways = {
        BOUND: lambda: graph.network._forward(bare_input),
        REFERENCE: way(graph, None),
        'PyTorch fp32, channels_last': way(reordered, None),
    }
    if has_bf16():
        ways['PyTorch bf16'] = way(graph, torch.bfloat16)
        ways['PyTorch bf16, channels_last'] = way(reordered, torch.bfloat16)
    if device.type == 'cuda':
        ways['PyTorch fp16, channels_last'] = way(reordered, torch.float16)
    return ways


def runtime_ways(
    files: dict[str, Path], image: np.ndarray, threads: int
) -> dict[str, Callable[[], np.ndarray]]:
    """ONNX Runtime and OpenVINO on graphs, by name."""
    ways = {}
    for kind, file in files.items():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            str(file), options, providers=providers()
        )
        ways[f'ONNX Runtime {kind}'] = onnx_way(session, image)
    if openvino is not None:
        core = openvino.Core()
        kinds = [('fp32', 'fp32', 'f32'), ('int8', 'int8', 'f32')]
        if processor_has_bf16():
            kinds.append(('bf16', 'fp32', 'bf16'))
        for kind, of_file, precision in kinds:
            compiled = core.compile_model(
                core.read_model(files[of_file]),
                'CPU',
                {
                    'INFERENCE_NUM_THREADS': threads,
                    'INFERENCE_PRECISION_HINT': precision,
                    'PERFORMANCE_HINT': 'LATENCY',
                },
            )
            ways[f'OpenVINO {kind}'] = openvino_way(compiled, image)
    return ways


def onnx_way(
    session: onnxruntime.InferenceSession, image: np.ndarray
) -> Callable[[], np.ndarray]:
    return lambda: session.run(['logits'], dict(image=image))[0]


def openvino_way(compiled, image: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: compiled([image])[0]


def has_bf16() -> bool:
    if get_device() == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return processor_has_bf16()


def processor_has_bf16() -> bool:
    """Whether the processor names avx512_bf16, amx_bf16 or ARM's bf16."""
    try:
        return 'bf16' in Path('/proc/cpuinfo').read_text()
    except OSError:
        return False


def providers() -> list[str]:
    """What ONNX Runtime computes on: the device of PyTorch where it can."""
    wanted = ['CPUExecutionProvider']
    if get_device() == 'cuda':
        wanted.insert(0, 'CUDAExecutionProvider')
    available = onnxruntime.get_available_providers()
    return [name for name in wanted if name in available]


def agreements(ways: dict[str, Callable]) -> dict[str, float]:
    """Share of the pixels that get the label of PyTorch in fp32, by way."""
    expected = labels_of(ways[REFERENCE]())
    found = {
        name: round(float((labels_of(way()) == expected).mean()), 6)
        for name, way in ways.items()
        if name != BOUND
    }
    for name, share in found.items():
        if 'fp32' in name and share < LEAST_AGREEMENT:
            sys.exit(f'inference: {name} gives {share:.2%} of the labels of PyTorch')
    return found


def labels_of(logits: torch.Tensor | np.ndarray) -> np.ndarray:
    if isinstance(logits, torch.Tensor):
        logits = logits.float().cpu().numpy()
    return logits.argmax(1)


def random_checkpoint(cfg: Config, folder: str) -> Path:
    """Random weights in a file, as for a trained network."""
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    file = Path(folder, 'random.pth')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), file)
    return file


@torch.inference_mode()
def measure(config: str, size: str, args: argparse.Namespace) -> dict:
    """Times of all ways for one config and size, in milliseconds, and agreements."""
    height, width = map(int, size.split('x'))
    draw = np.random.default_rng(0)
    cfg = load_config(config)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = random_checkpoint(cfg, folder)
        files = {kind: Path(folder, f'{kind}.onnx') for kind in ('fp32', 'int8')}
        export_onnx(cfg, checkpoint, files['fp32'], size=(width, height))
        shape = (NUM_CALIBRATION_IMAGES, 1, 3, height, width)
        images = draw.integers(256, size=shape, dtype=np.uint8)
        quantize_onnx(files['fp32'], files['int8'], images)
        graph = ImageGraph(load_model(cfg, checkpoint), (height, width), False)
        graph = graph.to(get_device()).eval()
        image = torch.from_numpy(images[0]).to(get_device())
        ways = {
            **torch_ways(graph, image),
            **runtime_ways(files, images[0], args.threads),
        }
        shares = agreements(ways)
        timings = time_ways(ways, args.repeats)
    for name, share in shares.items():
        timings[name]['agreement'] = share
    print_table(f'{Path(config).stem[:24]} {size}', timings, BOUND)
    best = min(timings, key=lambda name: timings[name]['median'])
    print(f'fastest: {best}, {1000 / timings[best]["median"]:.1f} images a second\n')
    return dict(config=config, size=size, ways=timings)


def main() -> None:
    args = parse_args()
    origin = provenance()
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(args.threads)
    results = [
        measure(config, size, args) for config in args.configs for size in args.sizes
    ]
    report(
        dict(
            benchmark='inference',
            device=get_device(),
            onnxruntime_providers=providers(),
            openvino=openvino.__version__ if openvino is not None else None,
            processor_has_bf16=processor_has_bf16(),
            bound=BOUND,
            batch_size=1,
            threads=args.threads,
            load_average=round(os.getloadavg()[0], 2),
            results=results,
            **origin,
        ),
        args.out,
    )


if __name__ == '__main__':
    main()
