"""What a training step holds in memory: graphs of its passes, and networks.

The graph of a pass is counted, not timed: the tensors that autograd keeps for the
backward pass of one pass of the trained network and its loss, each storage once, on
shapes without values. It is exact for every size, and needs neither the memory nor the
time. Networks are weights, gradients and the two moments of AdamW, in float32. With
--measure, a step is also taken, once in a process each way, and the memory of the
process is read: by how much it grew beyond what the networks take.

Ways: all passes together, or one by one (model.backward_per_pass=True), each without
and with gradient checkpointing of the encoder (with_cp, of encoders that have it).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from segda_mm.methods.steps import pseudo_labeled, sum_losses
from segda_mm.registry import MODELS
from segda_mm.testing import domain_batch
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
    """The config without files of weights, with or without checkpointing."""
    cfg = Config.fromfile(ROOT / args.config)
    init_default_scope(cfg.default_scope)
    for part in (cfg.model.generator.segmentor, cfg.model.generator):
        part.update(dict.fromkeys({'init_cfg', 'checkpoint'} & set(part)))
    backbone = cfg.model.generator.segmentor.backbone
    backbone.init_cfg = None
    if checkpointing:
        backbone.with_cp = True
    return cfg


def shapes_of(config: Config) -> nn.Module:
    """A module without values."""
    # Mix Transformers look at the numbers of theirs.
    linspace = partial(torch.linspace, device='cpu')
    with torch.device('meta'), patch('torch.linspace', linspace):
        return MODELS.build(config)


def graph_mib(args: argparse.Namespace, size: tuple[int, int], with_cp: bool) -> float:
    """The graph of a pass with labels."""
    generator = shapes_of(read_config(args, with_cp).model.generator).train()
    with torch.device('meta'):
        images = torch.empty(args.batch_size, 3, *size)
        labels = torch.zeros(args.batch_size, *size, dtype=torch.int64)
        weights = torch.ones(args.batch_size, *size)
    batch = pseudo_labeled(images, labels, weights)
    graph = GraphBytes(generator)
    with graph:
        # Kept until they are counted.
        result = generator.infer(images)
        loss = sum_losses(generator.losses(result, batch.data_samples))
    assert loss.requires_grad
    return graph.total / MIB


def network_mib(cfg: Config) -> float:
    """All networks of the method; the trained ones with what their optimizer keeps."""
    return sum(
        parameter.numel() * 4 * (4 if parameter.requires_grad else 1) / MIB
        for parameter in shapes_of(cfg.model).parameters()
    )


def grown_mib(
    args: argparse.Namespace, size: tuple[int, int], per_pass: bool, with_cp: bool
) -> float:
    """By how much a process grows in its second step; takes the steps."""
    cfg = read_config(args, with_cp)
    cfg.model.backward_per_pass = per_pass
    model = MODELS.build(cfg.model).train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    small, full = (
        domain_batch(num_images=args.batch_size, size=side, num_classes=19)
        for side in ((64, 64), size)
    )
    # Its optimizer's state is there after a step, however small.
    model.train_step(small, optim_wrapper)
    before = _peak()
    model.train_step(full, optim_wrapper)
    return _peak() - before


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--config', default='configs/daformer/daformer_mitb5_gta2cs-512x512.py'
    )
    parser.add_argument('--size', default='512x512', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--measure', action='store_true', help='take steps as well')
    parser.add_argument('--out', help='results file to append the line to')
    parser.add_argument('--way', nargs=2, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    size = tuple(map(int, args.size.split('x')))
    if args.way:
        print(grown_mib(args, size, *map(bool, args.way)))
        return
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
            if args.measure:
                way = ['--way', str(int(per_pass)), str(int(with_cp))]
                done = subprocess.run(
                    [sys.executable, __file__, *sys.argv[1:], *way],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                line['grown_mib'] = round(float(done.stdout.split()[-1]))
            print(json.dumps(line), flush=True)
            lines.append(line)
    if args.out:
        row = dict(benchmark='training_memory', config=args.config, size=args.size)
        row |= dict(batch_size=args.batch_size, lines=lines)
        append_row(args.out, {**row, **origin})


if __name__ == '__main__':
    main()
