"""Print parameters and multiply-adds of the networks beside the published ones.

With --only, print those of one network alone, as a JSON object: ``parameters`` in
millions, and ``multiply_adds``, padded, and ``native_multiply_adds`` in billions.

Published: Chen et al., "Naive-Student", ECCV 2020, Tables 8 and 11; the figures of
X-71 are not in that paper and were passed on without their table. "Padded" counts
dilated convolutions as TensorFlow ran them and is what was published; "native" is
what PyTorch computes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

CONFIGS = Path(__file__).parents[2] / 'configs'
ONE_GRID = {'model.backbone.multi_grid': None}


class Network(NamedTuple):
    """A row: the config, its overrides, the input (H, W), the published figures."""

    key: str
    name: str
    config: str
    options: dict
    input_size: tuple[int, int]
    parameters: float  # in millions
    multiply_adds: float  # in billions


WR38, WR41 = (
    f'imagenet/classifier_{name}_imagenet-224x224.py' for name in ('wr38', 'wr41')
)
PDL_WR38, PDL_WR41, PDL_X71 = (
    f'_base_/models/panoptic_deeplab_{name}.py' for name in ('wr38', 'wr41', 'x71')
)
CROP = (1025, 2049)
NETWORKS = (
    Network('wr38', 'WR-38', WR38, {}, (224, 224), 109, 46),
    Network('wr41', 'WR-41', WR41, {}, (224, 224), 111, 49.3),
    Network(
        'panoptic-wr38',
        'Panoptic-DeepLab, WR-38',
        PDL_WR38,
        ONE_GRID,
        CROP,
        173.75,
        3486.32,
    ),
    Network(
        'panoptic-wr38-multi-grid',
        'the same, multi-grid (1, 2)',
        PDL_WR38,
        {},
        CROP,
        173.75,
        3493.80,
    ),
    Network(
        'panoptic-wr41',
        'Panoptic-DeepLab, WR-41',
        PDL_WR41,
        ONE_GRID,
        CROP,
        147.27,
        3238.81,
    ),
    Network(
        'panoptic-wr41-multi-grid',
        'the same, multi-grid (1, 2, 4)',
        PDL_WR41,
        {},
        CROP,
        147.27,
        3246.40,
    ),
    Network('panoptic-x71', 'Panoptic-DeepLab, X-71', PDL_X71, {}, CROP, 46.73, 547.49),
)
HEADER = (
    '| network | input | parameters, M: here | published | difference '
    '| multiply-adds, B: padded | published | difference | native |\n'
    '| --- | --- |' + ' ---: |' * 7
)


class Counts(NamedTuple):
    """Parameters of each part, and multiply-adds padded and native."""

    parts: dict[str, int]
    parameters: int
    padded: int
    native: int


def count(network: Network) -> Counts:
    """Build a network on the meta device and count it."""
    import torch

    from segda_mm.apis import load_config
    from segda_mm.models.network_costs import count_multiply_adds, count_parameters
    from segda_mm.registry import MODELS

    cfg = load_config(CONFIGS / network.config, network.options)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
        image = torch.empty(1, 3, *network.input_size)
    parts = {
        f'{child}.{part}': number
        for child in ('backbone', 'head', 'decode_head')
        if hasattr(model, child)
        for part, number in count_parameters(getattr(model, child)).items()
        if number and part != 'total'
    }
    counted = count_multiply_adds(model, image)
    total = count_parameters(model)['total']
    return Counts(parts, total, counted.padded, counted.native)


def row_of(network: Network, counts: Counts) -> str:
    """The row of the table."""
    parameters = counts.parameters / 1e6
    padded, native = counts.padded / 1e9, counts.native / 1e9
    height, width = network.input_size
    return (
        f'| {network.name} | {height} x {width} '
        f'| {parameters:.3f} | {network.parameters} '
        f'| {parameters / network.parameters - 1:+.2%} '
        f'| {padded:.3f} | {network.multiply_adds} '
        f'| {padded / network.multiply_adds - 1:+.3%} | {native:.3f} |'
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--only', choices=[network.key for network in NETWORKS])
    args = parser.parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from mmengine.registry import init_default_scope

    init_default_scope('mmseg')
    if args.only:
        (network,) = (network for network in NETWORKS if network.key == args.only)
        print_figures(count(network))
        return
    print(HEADER)
    parts_of = {}
    for network in NETWORKS:
        counts = count(network)
        parts_of[network.name] = counts.parts
        print(row_of(network, counts), flush=True)
    print('\nParameters by part')
    for name, parts in parts_of.items():
        if not name.startswith('the same'):
            numbers = ', '.join(f'{part} {number:,}' for part, number in parts.items())
            print(f'- {name}: {numbers}')


def print_figures(counts: Counts) -> None:
    """Print the JSON object of --only."""
    figures = dict(
        parameters=counts.parameters / 1e6,
        multiply_adds=counts.padded / 1e9,
        native_multiply_adds=counts.native / 1e9,
    )
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
