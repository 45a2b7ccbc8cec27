"""Count the networks of the papers, and time the discriminators.

Published: Table II of "Meta Pseudo Labels for Real-Time Semantic Segmentation", and
Chen et al., "Naive-Student", ECCV 2020, Tables 8 and 11; the figures of X-71 are not
in that paper and were passed on without their table. Multiply-adds are "padded" as
TensorFlow ran dilated convolutions, which is what was published, or "native" as PyTorch
computes them. GFLOPs of a discriminator are 2 x multiply-adds of convolutions and of
the bilinear upsampling, 11 an output, on one map of 19 classes. Prints the figures,
and with --out appends a line for each network.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segda_mm.apis import load_config
from segda_mm.registry import MODELS
from studies.benchmarks.timing import time_ways
from studies.network_costs import count_multiply_adds, count_parameters
from studies.records import ROOT, append_row, provenance

NUM_CLASSES = 19
UPSAMPLING_COST = 11
#: Type -> published parameters and GFLOPs.
DISCRIMINATORS = {
    'FCDiscriminator': (2781000, 30.89),
    'DSCDiscriminator': (189424, 2.147),
}


class Network(NamedTuple):
    """A config, its overrides, the input (H, W) and the published figures."""

    config: str
    options: dict[str, Any]
    size: tuple[int, int]
    parameters: float  # in millions
    multiply_adds: float  # in billions


ONE_GRID = {'model.backbone.multi_grid': None}
CROP, IMAGENET = (1025, 2049), (224, 224)
_WR38, _WR41, _X71 = (
    f'configs/_base_/models/panoptic_deeplab_{name}.py'
    for name in ('wr38', 'wr41', 'x71')
)
NETWORKS = {
    'wr38': Network(
        'configs/imagenet/classifier_wr38_imagenet-224x224.py', {}, IMAGENET, 109, 46
    ),
    'wr41': Network(
        'configs/imagenet/classifier_wr41_imagenet-224x224.py', {}, IMAGENET, 111, 49.3
    ),
    'panoptic-wr38': Network(_WR38, ONE_GRID, CROP, 173.75, 3486.32),
    'panoptic-wr38-multi-grid': Network(_WR38, {}, CROP, 173.75, 3493.80),
    'panoptic-wr41': Network(_WR41, ONE_GRID, CROP, 147.27, 3238.81),
    'panoptic-wr41-multi-grid': Network(_WR41, {}, CROP, 147.27, 3246.40),
    'panoptic-x71': Network(_X71, {}, CROP, 46.73, 547.49),
}


def counts(network: Network) -> dict[str, float]:
    """Millions of parameters and billions of multiply-adds, on the meta device."""
    cfg = load_config(ROOT / network.config, network.options)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
        image = torch.empty(1, 3, *network.size)
    counted = count_multiply_adds(model, image)
    return dict(
        parameters=count_parameters(model)['total'] / 1e6,
        multiply_adds=counted.padded / 1e9,
        native_multiply_adds=counted.native / 1e9,
    )


def discriminator_costs(
    kind: str, size: tuple[int, int] = (512, 1024), repeats: int = 10
) -> dict[str, float]:
    """Parameters, GFLOPs, milliseconds, and what waits for the backward pass."""
    torch.manual_seed(0)
    network = MODELS.build(dict(type=kind, num_classes=NUM_CLASSES)).to(get_device())
    maps = torch.randn(1, NUM_CLASSES, *size, device=get_device()).softmax(1)
    multiply_adds = count_multiply_adds(network, maps).native
    multiply_adds += UPSAMPLING_COST * network(maps).numel()
    ways: dict[str, Callable[[], object]] = {
        'forward_ms': torch.no_grad()(lambda: network(maps)),
        'training_ms': lambda: network(maps).mean().backward(),
    }
    timings = time_ways(ways, repeats, warm_up=1)
    return dict(
        parameters=count_parameters(network)['total'],
        gflops=round(2 * multiply_adds / 1e9, 3),
        **{name: timing['ms'] for name, timing in timings.items()},
        saved_mib=round(_saved_bytes(network, maps) / 2**20, 2),
    )


def _saved_bytes(network: nn.Module, maps: Tensor) -> int:
    """Bytes of all tensors that wait for the backward pass, weights left out."""
    weights = {weight.data_ptr() for weight in network.parameters()}
    held = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        result = network(maps)
    # The graph keeps them alive until here, so that no address was given twice.
    del result
    return sum(held.values())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'networks', nargs='*', help=f'of {", ".join((*DISCRIMINATORS, *NETWORKS))}'
    )
    parser.add_argument('--out', type=Path, help='file of results')
    args = parser.parse_args()
    init_default_scope('mmseg')
    for name in args.networks or (*DISCRIMINATORS, *NETWORKS):
        origin = provenance()
        if name in NETWORKS:
            figures = counts(NETWORKS[name])
        else:
            figures = discriminator_costs(name)
        print(json.dumps(dict(network=name, **figures)), flush=True)
        if args.out:
            append_row(args.out, dict(network=name, **figures, **origin))


if __name__ == '__main__':
    main()
