"""Print parameters and multiply-adds of the networks beside the published ones.

Published: Chen et al., "Naive-Student", ECCV 2020, Tables 8 and 11; the figures of
X-71 are not in that paper and were passed on without their table. "Padded" counts
dilated convolutions as TensorFlow ran them and is what was published; "native" is
what PyTorch computes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

CONFIGS = Path(__file__).parents[2] / 'configs'
ONE_GRID = {'model.backbone.multi_grid': None}


class Network(NamedTuple):
    """A row: the config, its overrides, the input (H, W), the published figures."""

    name: str
    config: str
    options: dict
    input_size: tuple[int, int]
    parameters: float  # in millions
    multiply_adds: float  # in billions


WR38, WR41 = (
    f'imagenet/imagenet_{name}_8xb32-90e_224x224.py' for name in ('wr38', 'wr41')
)
PDL_WR38, PDL_WR41, PDL_X71 = (
    f'_base_/models/panoptic_deeplab_{name}.py' for name in ('wr38', 'wr41', 'x71')
)
CROP = (1025, 2049)
NETWORKS = (
    Network('WR-38', WR38, {}, (224, 224), 109, 46),
    Network('WR-41', WR41, {}, (224, 224), 111, 49.3),
    Network('Panoptic-DeepLab, WR-38', PDL_WR38, ONE_GRID, CROP, 173.75, 3486.32),
    Network('the same, multi-grid (1, 2)', PDL_WR38, {}, CROP, 173.75, 3493.80),
    Network('Panoptic-DeepLab, WR-41', PDL_WR41, ONE_GRID, CROP, 147.27, 3238.81),
    Network('the same, multi-grid (1, 2, 4)', PDL_WR41, {}, CROP, 147.27, 3246.40),
    Network('Panoptic-DeepLab, X-71', PDL_X71, {}, CROP, 46.73, 547.49),
)
HEADER = (
    '| network | input | parameters, M: here | published | difference '
    '| multiply-adds, B: padded | published | difference | native |\n'
    '| --- | --- |' + ' ---: |' * 7
)


def count(network: Network) -> tuple[str, str]:
    """Build a network on the meta device, count it and compare.

    Returns:
        A row of the table, and a line on the parameters of each part.
    """
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
    parameters = count_parameters(model)['total'] / 1e6
    counted = count_multiply_adds(model, image)
    padded, native = counted.padded / 1e9, counted.native / 1e9
    height, width = network.input_size
    row = (
        f'| {network.name} | {height} x {width} '
        f'| {parameters:.3f} | {network.parameters} '
        f'| {parameters / network.parameters - 1:+.2%} '
        f'| {padded:.3f} | {network.multiply_adds} '
        f'| {padded / network.multiply_adds - 1:+.3%} | {native:.3f} |'
    )
    return row, ', '.join(f'{part} {number:,}' for part, number in parts.items())


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from mmengine.registry import init_default_scope

    init_default_scope('mmseg')
    print(HEADER)
    parts_of = {}
    for network in NETWORKS:
        row, parts_of[network.name] = count(network)
        print(row, flush=True)
    print('\nParameters by part')
    for name, parts in parts_of.items():
        if not name.startswith('the same'):
            print(f'- {name}: {parts}')


if __name__ == '__main__':
    main()
