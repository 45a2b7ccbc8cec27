"""Count what the processes of a training send each other in a step.

Two processes of one thread, started by torchrun, make a step of each method in which
PyTorch's profiler sees every exchange of gloo: its calls, and the bytes of the tensors
that a process gives to it. Beside them stand the bytes of the gradients, which have to
be averaged in any case. They depend on the networks, not on the images, which are
small.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections import Counter

import torch
from mmengine.dist import get_rank
from timing import MIB, parser_for, report
from torch.profiler import ProfilerActivity, profile

from segda_mm.apis import leave_process_group
from segda_mm.engine.distributed import initialize_process_group
from studies.method_steps import METHODS, build_step, method_config
from studies.records import provenance

PROCESSES = 2
SIZE, BATCH = (64, 128), 2
#: One network that DDP averages, and several that optimizers do.
MEASURED = ('supervised', 'mean_teacher', 'adversarial', 'mpl')


def exchanges(method: str) -> dict[str, dict[str, float]]:
    """Calls and bytes of each exchange in the second step of a method."""
    cfg = method_config(method)
    model, step = build_step(cfg, 'cpu', BATCH, SIZE)
    # DDP is there, and optimizers have their state.
    step()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        step()
    calls: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for event in profiler.events():
        if event.name.startswith('gloo:'):
            name = event.name.removeprefix('gloo:')
            calls[name] += 1
            # All is float32 but a few counters of layers.
            sizes[name] += sum(4 * math.prod(x) for x in event.input_shapes if x)
    gradients = sum(4 * p.numel() for p in model.parameters() if p.requires_grad)
    found = {name: dict(calls=calls[name], bytes=sizes[name]) for name in calls}
    return {**found, 'gradients': dict(calls=0, bytes=gradients)}


def main() -> None:
    parser = parser_for(__doc__, repeats=1)
    parser.add_argument('--methods', nargs='+', choices=METHODS, default=MEASURED)
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        torch.set_num_threads(1)
        initialize_process_group('pytorch')
        found = {method: exchanges(method) for method in args.methods}
        if get_rank() == 0:
            print(json.dumps(found))
        leave_process_group()
        return
    origin = provenance()
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += [f'--nproc_per_node={PROCESSES}', *sys.argv, '--worker']
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )
    found = json.loads(done.stdout.splitlines()[-1])
    for method, kinds in found.items():
        for name, sent in kinds.items():
            print(f'{method:<14}{name:<12}{sent["calls"]:>4} calls', end='')
            print(f'{sent["bytes"] / MIB:>10.2f} MiB')
    report('communication', [], origin, args.out, exchanges=found)


if __name__ == '__main__':
    main()
