"""What a training step holds in memory: graphs of its passes, and networks.

The graph of a pass is counted: the tensors that autograd keeps for the backward pass of
one pass of the trained network, each storage once, and the gradients of its logits. On
shapes without values that is exact for every size and needs neither the memory nor the
time. Networks are weights, gradients and the two moments of AdamW, in float32.

Ways: all passes together, or one by one (model.backward_per_pass=True), each without
and with gradient checkpointing of the encoder (with_cp, of encoders that have it).
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from segda_mm.registry import MODELS
from studies.records import ROOT, append_row, provenance

MIB = 2**20


class GraphBytes(torch.autograd.graph.saved_tensors_hooks):
    """Counts what is kept for the backward pass, but for parameters.

    ``total`` is in bytes.
    """

    def __init__(self, network: nn.Module) -> None:
        self._seen = {_storage(p) for p in network.parameters()}
        self._kept: list[Tensor] = []
        self.total = 0
        super().__init__(self._keep, lambda tensor: tensor)

    def _keep(self, tensor: Tensor) -> Tensor:
        if (storage := _storage(tensor)) not in self._seen:
            self._seen.add(storage)
            # Or its number would be given to another one.
            self._kept.append(tensor)
            self.total += tensor.untyped_storage().nbytes()
        return tensor


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def read_config(args: argparse.Namespace, checkpointing: bool) -> Config:
    """The config, with or without checkpointing of the encoder."""
    cfg = Config.fromfile(ROOT / args.config)
    init_default_scope(cfg.default_scope)
    if checkpointing:
        cfg.model.generator.segmentor.backbone.with_cp = True
    return cfg


def shapes_of(config: Config) -> nn.Module:
    """A module without values."""
    # Mix Transformers look at the numbers of theirs.
    linspace = partial(torch.linspace, device='cpu')
    with torch.device('meta'), patch('torch.linspace', linspace):
        return MODELS.build(config)


def graph_mib(args: argparse.Namespace, size: tuple[int, int], with_cp: bool) -> float:
    """The graph of a pass, up to the logits of every head and their gradients."""
    generator = shapes_of(read_config(args, with_cp).model.generator).train()
    images = torch.empty(args.batch_size, 3, *size, device='meta')
    graph = GraphBytes(generator)
    with graph:
        # Kept until they are counted.
        result = generator.infer(images)
        heads = getattr(generator.segmentor, 'auxiliary_head', [])
        logits = [head(result.features) for head in heads]
    logits.append(result.head_logits)
    assert all(maps.requires_grad for maps in logits)
    # Made with the value of the cross entropy.
    gradients = sum(maps.untyped_storage().nbytes() for maps in logits)
    return (graph.total + gradients) / MIB


def network_mib(cfg: Config) -> float:
    """All networks of the method; the trained ones with what their optimizer keeps."""
    return sum(
        parameter.numel() * 4 * (4 if parameter.requires_grad else 1) / MIB
        for parameter in shapes_of(cfg.model).parameters()
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--config', default='configs/daformer/daformer_mitb5_gta2cs-512x512.py'
    )
    parser.add_argument('--size', default='512x512', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--out', help='results file to append the line to')
    args = parser.parse_args()
    size = tuple(map(int, args.size.split('x')))
    origin = provenance()
    cfg = read_config(args, checkpointing=False)
    passes = 2 + ('masking' in cfg.model)
    networks = network_mib(cfg)
    lines = []
    for with_cp in (False, True):
        graph = graph_mib(args, size, with_cp)
        for per_pass in (False, True):
            graphs = graph if per_pass else passes * graph
            line = dict(
                backward_per_pass=per_pass,
                with_cp=with_cp,
                graph_mib=round(graphs),
                networks_mib=round(networks),
            )
            print(json.dumps(line), flush=True)
            lines.append(line)
    if args.out:
        row = dict(benchmark='training_memory', config=args.config, size=args.size)
        row |= dict(batch_size=args.batch_size, lines=lines)
        append_row(args.out, {**row, **origin})


if __name__ == '__main__':
    main()
