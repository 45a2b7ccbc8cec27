"""Time a training step beside the bare passes of the networks that it needs.

The step is a config's own ``train_step``, on random images in the memory and with
random weights: everything but the loading of data. The bound is the sum of the forward
and backward passes that the method cannot do without, on the same networks: up to the
logits of every head at the size of the images, and back from there with a given
gradient. Losses, pseudo labels and optimizers are what a step adds.

Bare passes of a method:
  supervised   generator forward and backward;
  adversarial  the same on source and target; discriminator forward and backward to its
               input on the target, forward and backward on both domains;
  mpl          those of adversarial for student and for teacher, and the teacher's
               forward and backward on the noisy target, which it does in every step
               here and in half of them in training. Labels cost no pass of their own.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from timing import MIB, parser_for, report, time_ways, timed_lines
from torch import nn

from segda_mm.apis.training import enable_mixed_precision
from segda_mm.engine.hooks import HeadAccuracyHook
from segda_mm.registry import MODELS
from segda_mm.testing import domain_batch, segmentation_batch
from studies.records import ROOT, provenance

CONFIGS = dict(
    supervised='configs/supervised/supervised_bisenetv1-r18_gta5-720x1280.py',
    adversarial='configs/adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py',
    mpl='configs/mpl_bisenet_gta2cs.py',
)
NUM_CLASSES = 19


def build_step(
    args: argparse.Namespace, size: tuple[int, int]
) -> tuple[nn.Module, Callable[[], object]]:
    """The method's model and its training step."""
    cfg = Config.fromfile(ROOT / CONFIGS[args.method])
    init_default_scope(cfg.default_scope)
    _without_files(cfg.model)
    if args.method == 'mpl':
        cfg.model.uda_probability = 1.0
    if args.amp:
        enable_mixed_precision(cfg)
    model = MODELS.build(cfg.model).to(get_device()).train()
    model.to(memory_format=torch.channels_last)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    make = segmentation_batch if args.method == 'supervised' else domain_batch
    data = make(num_images=args.batch_size, size=size, num_classes=NUM_CLASSES)
    return model, lambda: model.train_step(data, optim_wrapper)


def _without_files(node: object) -> None:
    """Leave out pretrained weights, which change no time."""
    if isinstance(node, dict):
        node.update(dict.fromkeys({'init_cfg', 'checkpoint'} & set(node)))
    for part in node.values() if isinstance(node, dict) else node:
        if isinstance(part, dict | list | tuple):
            _without_files(part)


def bare_passes(
    model: nn.Module, args: argparse.Namespace, size: tuple[int, int]
) -> Callable[[], None]:
    """The necessary passes, without anything between them."""
    device = get_device()
    shape = (args.batch_size, NUM_CLASSES, *size)
    images, gradient, probabilities = (
        tensor.contiguous(memory_format=torch.channels_last)
        for tensor in (
            torch.randn(args.batch_size, 3, *size, device=device),
            torch.full(shape, 1e-6, device=device),
            torch.randn(shape, device=device).softmax(1),
        )
    )

    def generator_pass(segmentor: nn.Module) -> None:
        features = segmentor.extract_feat(images)
        maps = [
            F.interpolate(head(features), size=size, mode='bilinear')
            for head in (segmentor.decode_head, *segmentor.auxiliary_head)
        ]
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
                for role in ('student', 'teacher'):
                    generator = getattr(model, f'{role}_generator').segmentor
                    adversarial(generator, getattr(model, f'{role}_discriminator'))
                generator_pass(generator)
        model.zero_grad()

    return passes


def main() -> None:
    parser = parser_for(__doc__, repeats=10)
    parser.add_argument('--method', choices=CONFIGS, default='mpl')
    parser.add_argument('--size', default='128x256', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    args = parser.parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    size = tuple(map(int, args.size.split('x')))
    model, step = build_step(args, size)
    HeadAccuracyHook().before_train(runner=None)
    ways = {'bare passes': bare_passes(model, args, size), '': step}
    timings = time_ways(ways, args.repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    timings[''].setdefault('peak_mib', round(peak))
    shape = f'{args.size}, batch {args.batch_size}'
    shape += ', mixed precision' if args.amp else ''
    lines = timed_lines(
        f'training step, {args.method}', shape, timings, bound='bare passes'
    )
    report('training_step', lines, origin, args.out)


if __name__ == '__main__':
    main()
