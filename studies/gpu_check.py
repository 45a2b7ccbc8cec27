"""See on a GPU what cannot be seen on a CPU, in five minutes.

    python studies/gpu_check.py --out studies/results/gpu_check.jsonl

Parts:
  losses       three steps of every method in float32, as on the CPU;
  training     twenty steps of every method in mixed precision with channels last: times,
               peak memory, and the share of the kernels' time on tensor cores;
  resume       trainings in deterministic mode, resumed in an epoch, end bit by bit alike;
  processes    a step of as many processes as there are devices moves weights as a step
               of one process on all images;
  predictions  panoptic post-processing and test-time augmentation, as on the CPU.

Each part prints its figures and appends them as one JSON line. The exit code is 1 where
a part did not hold. With `--device cpu --small` all of it runs anywhere, which shows
that the program works, and nothing about a GPU.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segda_mm.apis import train
from segda_mm.engine.optimizers import GradientAveragingOptimWrapper
from segda_mm.models.tta import SemanticTTA
from segda_mm.ops.panoptic_post_processing import panoptic_post_processing
from segda_mm.registry import MODEL_WRAPPERS, MODELS
from segda_mm.testing import segmentation_batch, tiny_bisenet
from segda_mm.testing.run_results import find_difference, trained_state
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world
from studies.method_steps import METHODS, build_step, method_config
from studies.records import ROOT, append_row, provenance

#: What the names of kernels on tensor cores have in them.
TENSOR_CORES = ('gemm', '884', '1688', '16816', 'hmma', 'wgmma', 'tensorop', 'xmma')
#: Of the losses of the first steps: float32 adds up in other orders.
LARGEST_LOSS_ERROR = 1e-3
RESUMED = ('supervised', 'adversarial', 'mean_teacher', 'mpl', 'daformer')

Rows = list[dict[str, Any]]


def losses(device: str, small: bool) -> Rows:
    """The first losses of every method beside those of the CPU."""
    size, batch_size = ((64, 128), 2) if small else ((128, 256), 2)
    rows = []
    for method in METHODS:
        logs = []
        for where in ('cpu', device):
            cfg = method_config(method)
            # Noise and dropout come from the device's own generator.
            if method == 'mpl':
                cfg.model.uda_probability = 0.0
            model, step = build_step(cfg, where, batch_size, size)
            _drop_nothing(model)
            torch.manual_seed(1)
            logs.append([_figures(step()) for _ in range(1 if small else 3)])
        errors = [
            abs(found[key] - value) / max(abs(value), 1e-3)
            for expected, found in zip(*logs)
            for key, value in expected.items()
            if key.endswith('loss') or 'loss_' in key
        ]
        rows.append(
            dict(
                method=method,
                largest_error=max(errors),
                holds=max(errors) < LARGEST_LOSS_ERROR,
            )
        )
    return rows


def training(device: str, small: bool) -> Rows:
    """Steps of every method in mixed precision: what they take, and where."""
    size, batch_size = ((64, 128), 2) if small else ((512, 1024), 4)
    num_steps = 1 if small else 20
    rows = []
    for method in METHODS:
        model, step = build_step(
            method_config(method), device, batch_size, size, amp=True
        )
        step()
        if device == 'cuda':
            torch.cuda.reset_peak_memory_stats()
        seconds, figures = [], {}
        for _ in range(num_steps):
            _wait(device)
            begin = time.perf_counter()
            log = step()
            _wait(device)
            seconds.append(time.perf_counter() - begin)
            figures = _figures(log)
        row = dict(
            method=method,
            size=f'{size[0]}x{size[1]}, batch {batch_size}',
            step_ms=round(1000 * float(np.median(seconds)), 1),
            loss=figures['loss'],
            tensor_cores=_tensor_core_share(step),
            holds=all(map(np.isfinite, figures.values())),
        )
        if device == 'cuda':
            row['peak_mib'] = round(torch.cuda.max_memory_allocated() / 2**20)
        rows.append(row)
        del model, step
    return rows


def resume(device: str, small: bool) -> Rows:
    """Trainings in deterministic mode, each also resumed from its third step."""
    rows = []
    with tempfile.TemporaryDirectory() as name, _deterministic():
        folder = Path(name)
        write_tiny_world(folder / 'world')
        for method in RESUMED[:1] if small else RESUMED:
            whole = folder / method
            states = []
            for work_dir, begun in (
                (whole, None),
                (folder / f'{method} resumed', whole / 'iter_3.pth'),
            ):
                cfg = tiny_method_config(method, ROOT / 'configs', folder / 'world')
                cfg.randomness = dict(seed=0, deterministic=True)
                cfg.default_hooks.checkpoint.max_keep_ckpts = -1
                cfg.work_dir, cfg.log_level = str(work_dir), 'WARNING'
                train(cfg, begun)
                last = Path((work_dir / 'last_checkpoint').read_text())
                states.append(trained_state(work_dir / last.name))
            found = find_difference(*states)
            rows.append(dict(method=method, difference=found, holds=found is None))
    return rows


def processes(device: str, small: bool) -> Rows:
    """A step of all devices against one of a single process on all images."""
    world_size = torch.cuda.device_count() if device == 'cuda' else 2
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(
            _take_step, (world_size, device, folder), nprocs=world_size
        )
        weights = [
            torch.load(Path(folder, f'{rank}.pth'), weights_only=True)
            for rank in range(world_size)
        ]
        torch.multiprocessing.spawn(_take_step, (1, device, folder, world_size))
        alone = torch.load(Path(folder, '0.pth'), weights_only=True)
    error = max(float((weights[0][key] - alone[key]).abs().max()) for key in alone)
    same = all(find_difference(weights[0], other) is None for other in weights)
    backend = 'nccl' if device == 'cuda' else 'gloo'
    holds = same and error < 1e-5
    return [dict(backend=backend, num=world_size, largest_error=error, holds=holds)]


def _take_step(
    rank: int, world_size: int, device: str, folder: str, num_shares: int = 1
) -> None:
    """Update a network by its share of the images, or by ``num_shares`` of them."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'nccl' if device == 'cuda' else 'gloo',
        init_method=f'file://{folder}/group of {world_size}',
        rank=rank,
        world_size=world_size,
    )
    if device == 'cuda':
        torch.cuda.set_device(rank)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    preprocessor = dict(
        type='DomainDataPreprocessor', mean=[128] * 3, std=[64] * 3, size_divisor=1
    )
    network = tiny_bisenet()
    network.decode_head.dropout_ratio = 0
    for head in network.auxiliary_head:
        head.dropout_ratio = 0
    model = MODELS.build(dict(network, data_preprocessor=preprocessor)).to(device)
    wrapped = MODEL_WRAPPERS.build(
        dict(type='PassThroughDistributed', module=model, process_wide_batch_norm=True)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batches = [
        segmentation_batch(num_images=2, seed=rank + share)
        for share in range(num_shares)
    ]
    data = {
        key: [item for batch in batches for item in batch[key]] for key in batches[0]
    }
    wrapped.train_step(data, GradientAveragingOptimWrapper(optimizer))
    torch.save(
        {key: value.cpu() for key, value in model.state_dict().items()},
        Path(folder, f'{rank}.pth'),
    )
    torch.distributed.destroy_process_group()


@torch.no_grad()
def predictions(device: str, small: bool) -> Rows:
    """What follows a network, and averages of views, beside those of the CPU."""
    height, width = (64, 128) if small else (1025, 2049)
    draw = torch.Generator().manual_seed(0)
    coarse = torch.randint(19, (1, height // 16 + 1, width // 16 + 1), generator=draw)
    labels = coarse.repeat_interleave(16, 1).repeat_interleave(16, 2)
    heatmap = torch.rand(1, 1, height, width, generator=draw)
    offset = 20 * torch.randn(1, 2, height, width, generator=draw)
    inputs = labels[:, :height, :width].contiguous(), heatmap, offset
    expected, found = (
        panoptic_post_processing(*(part.to(where) for part in inputs), range(11, 19))
        for where in ('cpu', device)
    )
    same = float((expected[0].codes == found[0].codes.cpu()).float().mean())
    size = (64, 128) if small else (512, 1024)
    averages = [_average_of_views(where, size) for where in ('cpu', device)]
    labels, of_device = (average.argmax(0) for average in averages)
    agreement = float((labels == of_device).float().mean())
    return [
        dict(what='panoptic post-processing', same_pixels=same, holds=same == 1),
        dict(
            what='test-time augmentation',
            same_pixels=agreement,
            largest_error=float((averages[0] - averages[1]).abs().max()),
            holds=agreement > 0.999,
        ),
    ]


def _average_of_views(device: str, size: tuple[int, int]) -> Tensor:
    """Logarithms (C, H, W) of what a network says of two scales and two flips."""
    torch.manual_seed(0)
    model = MODELS.build(method_config('supervised').model).eval().to(device)
    image = torch.randint(256, (1, 3, *size)).float()
    inputs, samples = [], []
    for factor in (0.5, 1.0):
        for flip in (False, True):
            view = F.interpolate(image, scale_factor=factor).byte()[0]
            shape = view.shape[1:]
            metainfo = dict(
                ori_shape=size,
                img_shape=shape,
                pad_shape=shape,
                scale_factor=(factor, factor),
                flip=flip,
                flip_direction='horizontal' if flip else None,
            )
            inputs.append([view.flip(-1) if flip else view])
            samples.append([SegDataSample(metainfo=metainfo)])
    (merged,) = SemanticTTA(module=model).test_step(
        dict(inputs=inputs, data_samples=samples)
    )
    return merged.seg_logits.data.cpu()


def _drop_nothing(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
        elif isinstance(module, DropPath):
            module.drop_prob = 0.0


def _figures(log: dict[str, Tensor | list]) -> dict[str, float]:
    """A step's log as numbers."""
    return {
        key: float(torch.as_tensor(value).detach().float().mean())
        for key, value in log.items()
    }


def _wait(device: str) -> None:
    if device == 'cuda':
        torch.cuda.synchronize()


def _tensor_core_share(step: Callable[[], object]) -> float | None:
    """Of the time of all kernels in a step; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        step()
        _wait('cuda')
    kernels = [
        (event.name.lower(), event.time_range.elapsed_us())
        for event in profiler.events()
        if event.device_type == DeviceType.CUDA
    ]
    total = sum(time for _, time in kernels)
    if not total:
        return None
    on_cores = sum(
        time for name, time in kernels if any(part in name for part in TENSOR_CORES)
    )
    return round(on_cores / total, 3)


@contextmanager
def _deterministic() -> Iterator[None]:
    """Let cuBLAS be so, and leave PyTorch's switches as they were."""
    os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8'
    before = torch.are_deterministic_algorithms_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


PARTS: dict[str, Callable[[str, bool], Rows]] = dict(
    losses=losses,
    training=training,
    resume=resume,
    processes=processes,
    predictions=predictions,
)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('parts', nargs='*', help=f'{", ".join(PARTS)} (all)')
    parser.add_argument('--device', default='cuda', choices=('cuda', 'cpu'))
    parser.add_argument('--small', action='store_true', help='sizes of a CPU')
    parser.add_argument('--out', help='results file to append lines to')
    args = parser.parse_args(words)
    for part in args.parts:
        if part not in PARTS:
            parser.error(f'there is no part {part!r}; there are {", ".join(PARTS)}')
    if args.device == 'cuda' and not torch.cuda.is_available():
        parser.error('PyTorch finds no GPU; --device cpu --small tries the program')
    MMLogger.get_current_instance().setLevel('WARNING')
    origin = provenance()
    holds = True
    for name in args.parts or PARTS:
        begin = time.perf_counter()
        rows = PARTS[name](args.device, args.small)
        seconds = round(time.perf_counter() - begin, 1)
        print(f'\n{name}, {seconds} s\n{pd.DataFrame(rows).to_string(index=False)}')
        holds &= all(row['holds'] for row in rows)
        if args.out:
            line = dict(part=name, device=args.device, rows=rows, seconds=seconds)
            append_row(args.out, line | origin)
    return 0 if holds else 1


if __name__ == '__main__':
    sys.exit(main())
