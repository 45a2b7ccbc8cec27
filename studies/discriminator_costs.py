"""Count and time a discriminator on one map of 19 classes.

Prints a JSON object: ``parameters``; ``gflops``, 2 x multiply-adds of convolutions
and of the bilinear upsampling (11 an output), as Table II of "Meta Pseudo Labels for
Real-Time Semantic Segmentation" counts them; ``forward_ms`` and ``training_ms`` (with
the backward pass), medians; and ``saved_mib``, what a forward pass keeps in memory
for its backward pass.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

NUM_CLASSES = 19
UPSAMPLING_COST = 11


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('type', help='FCDiscriminator, DSCDiscriminator or your own')
    parser.add_argument('--size', default='512x1024', help='HxW (%(default)s)')
    parser.add_argument('--repeats', type=int, default=10)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    import torch
    from mmengine.device import get_device
    from mmengine.registry import init_default_scope
    from torch.nn.functional import softmax

    import segda_mm  # noqa: F401
    from segda_mm.models.network_costs import count_multiply_adds, count_parameters
    from segda_mm.registry import MODELS

    init_default_scope('mmseg')
    device = get_device()
    torch.manual_seed(0)
    network = MODELS.build(dict(type=args.type, num_classes=NUM_CLASSES)).to(device)
    size = map(int, args.size.split('x'))
    maps = softmax(torch.randn(1, NUM_CLASSES, *size, device=device), dim=1)
    logits = network(maps)
    multiply_adds = count_multiply_adds(network, maps).native
    multiply_adds += UPSAMPLING_COST * logits.numel()

    def train() -> None:
        network(maps).mean().backward()

    def infer() -> None:
        with torch.no_grad():
            network(maps)

    print(
        json.dumps(
            dict(
                parameters=count_parameters(network)['total'],
                gflops=round(2 * multiply_adds / 1e9, 3),
                forward_ms=median_ms(infer, args.repeats),
                training_ms=median_ms(train, args.repeats),
                saved_mib=round(saved_bytes(network, maps) / 2**20, 2),
            )
        )
    )


def median_ms(way: Callable[[], None], repeats: int) -> float:
    """Median time of a call after one to warm up, in milliseconds."""
    import torch

    times = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        way()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - begin))
    return round(statistics.median(times[1:]), 2)


def saved_bytes(network: Callable, maps) -> int:
    """Bytes of all tensors that wait for the backward pass, weights left out."""
    from torch.autograd.graph import saved_tensors_hooks

    weights = {weight.data_ptr() for weight in network.parameters()}
    held = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        result = network(maps)
    # The graph keeps them alive until here, so that no address was given twice.
    del result
    return sum(held.values())


if __name__ == '__main__':
    main()
