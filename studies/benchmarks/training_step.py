"""Time a training step beside the bare passes of the networks that it needs.

The step is a config's own `train_step`, on random images in the memory and with random
weights: everything but the loading of data. The bound is the sum of the forward and
backward passes that the method cannot do without, on the same networks: up to the
logits of every head, at the size that the head gives them, and back from there with a
given gradient. Upsampling, losses, pseudo labels, mixing and optimizers are what a step
adds; the operations that take most of that are named, by PyTorch's profiler.

Bare passes of a method:
  supervised    generator forward and backward;
  adversarial   the same on source and target; discriminator forward and backward to its
                input on the target, forward and backward on both domains;
  mpl           those of adversarial for student and for teacher, and the teacher's
                forward and backward on the noisy target, which it does in every step
                here and in half of them in training. Labels cost no pass of their own;
  mean_teacher  teacher forward; student forward and backward on source and target;
  mic           those of mean_teacher, and forward and backward on masked images;
  daformer      those of mean_teacher, and the frozen encoder forward.
"""

from __future__ import annotations

import argparse
import resource
from collections import Counter
from collections.abc import Callable

import torch
from mmengine.device import get_device
from timing import MIB, parser_for, report, time_ways, timed_lines
from torch import nn
from torch.profiler import ProfilerActivity, profile

from studies.method_steps import METHODS, NUM_CLASSES, build_step, method_config
from studies.records import provenance


def bare_passes(
    model: nn.Module, args: argparse.Namespace, size: tuple[int, int]
) -> Callable[[], None]:
    """The necessary passes, without anything between them."""
    device = get_device()
    shape = (args.batch_size, NUM_CLASSES, *size)
    images, probabilities = (
        tensor.contiguous(memory_format=torch.channels_last)
        for tensor in (
            torch.randn(args.batch_size, 3, *size, device=device),
            torch.randn(shape, device=device).softmax(1),
        )
    )

    def generator_pass(segmentor: nn.Module) -> None:
        features = segmentor.extract_feat(images)
        heads = [segmentor.decode_head, *getattr(segmentor, 'auxiliary_head', ())]
        maps = [head(features) for head in heads]
        torch.autograd.backward(maps, [torch.full_like(x, 1e-6) for x in maps])

    @torch.no_grad()
    def labeling_pass(segmentor: nn.Module) -> None:
        segmentor.decode_head(segmentor.extract_feat(images))

    def discriminator_pass(discriminator: nn.Module, to_input: bool) -> None:
        given = probabilities.clone().requires_grad_(to_input)
        discriminator.requires_grad_(not to_input)
        logits = discriminator(given)
        logits.backward(torch.full_like(logits, 1e-6))
        discriminator.requires_grad_(True)

    def adversarial(segmentor: nn.Module, discriminator: nn.Module) -> None:
        generator_pass(segmentor)
        generator_pass(segmentor)
        discriminator_pass(discriminator, to_input=True)
        discriminator_pass(discriminator, to_input=False)
        discriminator_pass(discriminator, to_input=False)

    def passes() -> None:
        half = torch.bfloat16 if device == 'cpu' else torch.float16
        with torch.autocast(device, half, enabled=args.amp):
            if args.method == 'supervised':
                generator_pass(model)
            elif args.method == 'adversarial':
                adversarial(model.generator.segmentor, model.discriminator)
            elif args.method == 'mpl':
                for role in ('student', 'teacher'):
                    generator = getattr(model, f'{role}_generator').segmentor
                    adversarial(generator, getattr(model, f'{role}_discriminator'))
                generator_pass(generator)
            else:
                labeling_pass(model.teacher_generator.segmentor)
                for _ in range(3 if args.method == 'mic' else 2):
                    generator_pass(model.student_generator.segmentor)
                if args.method == 'daformer':
                    with torch.no_grad():
                        model.imagenet_encoder(images)
        model.zero_grad()

    return passes


def largest_rest(
    step: Callable[[], object], bound: Callable[[], object], count: int = 3
) -> str:
    """The operations that take most of what a step adds to its bound."""
    times: list[Counter[str]] = []
    for way in (step, bound):
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            way()
        times.append(
            Counter({e.key: e.self_cpu_time_total for e in profiler.key_averages()})
        )
    times[0].subtract(times[1])
    total = sum(time for time in times[0].values() if time > 0)
    return ', '.join(
        f'{name.removeprefix("aten::")} {time / total:.0%}'
        for name, time in times[0].most_common(count)
    )


def main() -> None:
    parser = parser_for(__doc__, repeats=10)
    parser.add_argument('--method', choices=METHODS, default='mpl')
    parser.add_argument('--size', default='128x256', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    args = parser.parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    height, width = map(int, args.size.split('x'))
    size = height, width
    cfg = method_config(args.method)
    if args.method == 'mpl':
        cfg.model.uda_probability = 1.0
    model, step = build_step(cfg, get_device(), args.batch_size, size, args.amp)
    ways = {'bare passes': bare_passes(model, args, size), '': step}
    timings = time_ways(ways, args.repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    timings[''].setdefault('peak_mib', round(peak))
    shape = f'{args.size}, batch {args.batch_size}'
    shape += ', mixed precision' if args.amp else ''
    lines = timed_lines(
        f'training step, {args.method}', shape, timings, bound='bare passes'
    )
    for line in lines:
        line['largest_rest'] = largest_rest(step, ways['bare passes'])
        print(f'    of the rest: {line["largest_rest"]}')
    report('training_step', lines, origin, args.out)


if __name__ == '__main__':
    main()
