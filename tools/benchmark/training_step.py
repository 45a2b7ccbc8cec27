"""Time a training step beside the bare passes of the networks that it needs.

The step is a config's own ``train_step``, on random images in the memory and with
random weights: everything but the loading of data. The bound is the sum of the forward
and backward passes that the method cannot do without, on the same networks in the same
process: up to the logits of every head at the size of the images, and back from there
with a given gradient. Losses, pseudo labels and optimizers are what a step adds.

Bare passes of a method:
  supervised   generator forward and backward;
  adversarial  the same on source and target; discriminator forward and backward to its
               input on the target, forward and backward on both domains;
  mpl          those of adversarial for student and for teacher, and the teacher's
               forward and backward on the noisy target, which it does in every step
               here and in half of them in training. Labels cost no pass of their own.

Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import os
import resource
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from timing import MIB, print_table, report, time_ways
from torch import Tensor, nn

from segda_mm.apis.results_file import provenance
from segda_mm.apis.training import enable_mixed_precision
from segda_mm.engine.hooks import HeadAccuracyHook
from segda_mm.registry import MODELS
from segda_mm.testing import domain_batch, segmentation_batch

CONFIGS = dict(
    supervised='configs/supervised/supervised_bisenetv1-r18_gta5-720x1280.py',
    adversarial='configs/adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py',
    mpl='configs/mpl_bisenet_gta2cs.py',
)
NUM_CLASSES = 19


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--method', choices=CONFIGS, default='mpl')
    parser.add_argument('--size', default='128x256', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--contiguous',
        action='store_true',
        help='leave the weights in the order of PyTorch, not with channels last',
    )
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def build_step(
    args: argparse.Namespace, size: tuple[int, int]
) -> tuple[nn.Module, Callable[[], object]]:
    """The method's model and its training step."""
    cfg = Config.fromfile(CONFIGS[args.method])
    init_default_scope(cfg.default_scope)
    without_files(cfg.model)
    if args.method == 'mpl':
        cfg.model.uda_probability = 1.0
    if args.amp:
        enable_mixed_precision(cfg)
    model = MODELS.build(cfg.model).to(get_device()).train()
    if not args.contiguous:
        model.to(memory_format=torch.channels_last)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    make = segmentation_batch if args.method == 'supervised' else domain_batch
    data = make(num_images=args.batch_size, size=size, num_classes=NUM_CLASSES)
    return model, lambda: model.train_step(data, optim_wrapper)


def without_files(node: object) -> None:
    """Leave out pretrained weights, which change no time."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ('init_cfg', 'checkpoint'):
                node[key] = None
            else:
                without_files(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            without_files(value)


def bare_passes(
    model: nn.Module, args: argparse.Namespace, size: tuple[int, int]
) -> Callable[[], None]:
    """The necessary passes, without anything between them."""
    device = get_device()
    images = torch.randn(args.batch_size, 3, *size, device=device)
    shape = (args.batch_size, NUM_CLASSES, *size)
    gradient = torch.full(shape, 1e-6, device=device)
    probabilities = torch.randn(shape, device=device).softmax(1)
    if not args.contiguous:
        images, gradient, probabilities = (
            tensor.contiguous(memory_format=torch.channels_last)
            for tensor in (images, gradient, probabilities)
        )

    def generator_pass(segmentor: nn.Module) -> None:
        maps = head_maps(segmentor, images)
        torch.autograd.backward(maps, [gradient] * len(maps))

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
            else:
                adversarial(
                    model.student_generator.segmentor, model.student_discriminator
                )
                adversarial(
                    model.teacher_generator.segmentor, model.teacher_discriminator
                )
                generator_pass(model.teacher_generator.segmentor)
        model.zero_grad()

    return passes


def head_maps(segmentor: nn.Module, images: Tensor) -> list[Tensor]:
    """Logits of the decode head and the auxiliary heads at the images' size."""
    features = segmentor.extract_feat(images)
    heads = [segmentor.decode_head, *segmentor.auxiliary_head]
    return [
        F.interpolate(head(features), size=images.shape[2:], mode='bilinear')
        for head in heads
    ]


def main() -> None:
    args = parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    size = tuple(map(int, args.size.split('x')))
    model, step = build_step(args, size)
    HeadAccuracyHook().before_train(runner=None)
    ways = {'bare passes': bare_passes(model, args, size), 'training step': step}
    timings = time_ways(ways, args.repeats)
    ratio = timings['training step']['median'] / timings['bare passes']['median']
    title = f'{args.method}, {args.batch_size} of {args.size}'
    print_table(title, timings, 'bare passes')
    report(
        dict(
            benchmark='training_step',
            method=args.method,
            config=CONFIGS[args.method],
            size=args.size,
            batch_size=args.batch_size,
            channels_last=not args.contiguous,
            amp=args.amp,
            threads=args.threads,
            device=get_device(),
            ways=timings,
            bound='bare passes',
            ratios={'training step': round(ratio, 3)},
            peak_mib=round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
            ),
            malloc=os.environ.get('GLIBC_TUNABLES'),
            load_average=round(os.getloadavg()[0], 2),
            **origin,
        ),
        args.out,
    )


if __name__ == '__main__':
    main()
