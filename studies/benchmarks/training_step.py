"""Time a training step beside the bare passes of the networks that it needs.

The step is a config's own `train_step`, on random images in the memory and with random
weights: everything but the loading of data. The bound is what the method cannot do
without, on the same networks: the passes of the table that is printed, each with one
minimal loss and back from there. Of labels that is the cross entropy of every head,
computed tile by tile; of a discriminator its judgement of the probabilities at the
images' size. Labels, mixing, colours, averages and optimizers are what a step adds; the
operations that take most of that are named, by PyTorch's profiler. Meta Pseudo Labels
has its noisy pass in every step here, and in half of them in training.
"""

from __future__ import annotations

import argparse
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce
from operator import and_

import torch
import torch.nn.functional as F
from mmengine.device import get_device
from timing import MIB, parser_for, report, time_ways, timed_lines
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from segda_mm.methods.modes import frozen
from segda_mm.models.losses import EntropyLoss
from segda_mm.ops.class_probabilities import class_probabilities
from segda_mm.ops.upsampled_logits import upsampled_cross_entropy
from segda_mm.testing import segmentation_batch
from studies.method_steps import METHODS, NUM_CLASSES, build_step, method_config
from studies.records import provenance
from studies.tables import markdown


@dataclass(frozen=True)
class Pass:
    """A network's pass of a batch.

    ``losses`` are of ``labels``, ``entropy``, ``domain`` (a discriminator's own), or
    the name of the discriminator that is to be deceived; none: no backward pass.
    """

    network: str
    images: str
    losses: tuple[str, ...] = ()


def _judged(role: str, *target_losses: str) -> tuple[Pass, ...]:
    """Those of a generator and its discriminator."""
    generator, discriminator = f'{role}generator', f'{role}discriminator'
    return (
        Pass(generator, 'source', ('labels',)),
        Pass(generator, 'target', (*target_losses, discriminator)),
        Pass(discriminator, 'source', ('domain',)),
        Pass(discriminator, 'target', ('domain',)),
    )


_MEAN_TEACHER = (
    Pass('teacher_generator', 'target'),
    Pass('student_generator', 'source', ('labels',)),
    Pass('student_generator', 'mixed target', ('labels',)),
)
_DAFORMER = (*_MEAN_TEACHER, Pass('imagenet_encoder', 'source'))

#: What a step of each method of ``METHODS`` cannot do without.
PASSES = dict(
    supervised=(Pass('network', 'source', ('labels',)),),
    adversarial=_judged(''),
    mpl=(
        *_judged('student_', 'labels'),
        *_judged('teacher_', 'labels'),
        Pass('teacher_generator', 'noisy target', ('labels',)),
    ),
    mean_teacher=_MEAN_TEACHER,
    mic=(*_MEAN_TEACHER, Pass('student_generator', 'masked target', ('labels',))),
    daformer=_DAFORMER,
    heavy_teacher=(
        *_DAFORMER,
        Pass('light_generator', 'source', ('labels',)),
        Pass('light_generator', 'mixed target', ('labels',)),
    ),
    tent=(Pass('generator', 'target', ('entropy',)),),
)


def table_of_passes(methods: list[str]) -> str:
    """The passes of methods, in Markdown."""
    head = ('method', 'network', 'images', 'forward', 'loss', 'backward')
    rows = [
        (
            method if number == 0 else '',
            made.network,
            made.images,
            '1',
            ', '.join(made.losses),
            '1' if made.losses else '',
        )
        for method in methods
        for number, made in enumerate(PASSES[method])
    ]
    return markdown(head, rows, names=3)


class BarePasses:
    """The passes of a method, with nothing between them."""

    def __init__(
        self, model: nn.Module, method: str, batch_size: int, size: tuple[int, int]
    ) -> None:
        device = get_device()
        shape = (batch_size, NUM_CLASSES, *size)
        self.images, self.probabilities = (
            tensor.contiguous(memory_format=torch.channels_last)
            for tensor in (
                torch.randn(batch_size, 3, *size, device=device),
                torch.randn(shape, device=device).softmax(1),
            )
        )
        samples = segmentation_batch(batch_size, size, NUM_CLASSES)['data_samples']
        labels = [sample.gt_sem_seg.data for sample in samples]
        self.labels = torch.cat(labels).to(device)
        self.entropy = EntropyLoss(loss_weight=1.0)
        self.model, self.passes = model, PASSES[method]

    def __call__(self) -> None:
        """Make all of them once; the networks keep no gradients."""
        for made in self.passes:
            self._make(made)
        self.model.zero_grad()

    def _make(self, made: Pass) -> None:
        network = self.model
        if made.network != 'network':
            network = getattr(network, made.network)
        segmentor = getattr(network, 'segmentor', network)
        if made.losses == ('domain',):
            _judge(network, self.probabilities.clone()).backward()
        elif not made.losses:
            with torch.no_grad():
                if hasattr(segmentor, 'decode_head'):
                    segmentor.decode_head(segmentor.extract_feat(self.images))
                else:
                    segmentor(self.images)
        else:
            features = segmentor.extract_feat(self.images)
            logits = segmentor.decode_head(features)
            losses = []
            for name in made.losses:
                if name == 'labels':
                    losses += self._of_labels(segmentor, features, logits)
                elif name == 'entropy':
                    losses.append(self.entropy(self._upsampled(logits)))
                else:
                    discriminator = getattr(self.model, name)
                    with frozen(discriminator):
                        maps = class_probabilities(self._upsampled(logits))
                        losses.append(_judge(discriminator, maps))
            torch.stack(losses).sum().backward()

    def _of_labels(
        self, segmentor: nn.Module, features: list[Tensor], logits: Tensor
    ) -> list[Tensor]:
        auxiliary = getattr(segmentor, 'auxiliary_head', ())
        maps = [logits, *(head(features) for head in auxiliary)]
        return [
            upsampled_cross_entropy(x, self.labels, 255, segmentor.align_corners).loss
            for x in maps
        ]

    def _upsampled(self, logits: Tensor) -> Tensor:
        return F.interpolate(logits, self.labels.shape[1:], mode='bilinear')


def _judge(discriminator: nn.Module, maps: Tensor) -> Tensor:
    """The mean loss of maps that are to look like the source."""
    judged = discriminator(maps)
    return F.binary_cross_entropy_with_logits(judged, torch.ones_like(judged))


def largest_rest(
    step: Callable[[], object], bound: Callable[[], object], count: int = 3
) -> str:
    """The operations that take most of what a step adds to its bound."""
    # The least of two times, to which other programs have added least.
    step_times, bound_times = (
        reduce(and_, (operation_times(way) for _ in range(2))) for way in (step, bound)
    )
    rest = step_times - bound_times
    return ', '.join(
        f'{name.removeprefix("aten::")} {time / rest.total():.0%}'
        for name, time in rest.most_common(count)
    )


def operation_times(way: Callable[[], object]) -> Counter[str]:
    """Microseconds of each operation, without those that it calls."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        way()
    return Counter({e.key: e.self_cpu_time_total for e in profiler.key_averages()})


def measure(method: str, args: argparse.Namespace) -> list[dict]:
    """The line of one method."""
    height, width = map(int, args.size.split('x'))
    size = height, width
    device = get_device()
    cfg = method_config(method)
    if method == 'mpl':
        cfg.model.uda_probability = 1.0
    model, step = build_step(cfg, device, args.batch_size, size, args.amp)
    bare = BarePasses(model, method, args.batch_size, size)
    half = torch.bfloat16 if device == 'cpu' else torch.float16
    precision = torch.autocast(device, half) if args.amp else nullcontext()

    def bound() -> None:
        with precision:
            bare()

    timings = time_ways(
        {'bare passes': bound, '': step}, args.repeats, clock=args.clock
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    timings[''].setdefault('peak_mib', round(peak))
    shape = f'{args.size}, batch {args.batch_size}'
    shape += ', mixed precision' if args.amp else ''
    shape += ", processor's time" if args.clock == 'cpu' else ''
    path = f'training step, {method}'
    lines = timed_lines(path, shape, timings, bound='bare passes')
    return [{**line, 'largest_rest': largest_rest(step, bound)} for line in lines]


def main() -> None:
    parser = parser_for(__doc__, repeats=10)
    parser.add_argument('--methods', nargs='+', choices=METHODS, default=[*METHODS])
    parser.add_argument('--size', default='128x256', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    args = parser.parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    print(table_of_passes(args.methods))
    for method in args.methods:
        lines = measure(method, args)
        report('training_step', lines, origin, args.out, clock=args.clock)
        print(f'    of the rest: {lines[0]["largest_rest"]}', flush=True)


if __name__ == '__main__':
    main()
