"""Train the model of a config."""

from __future__ import annotations

import argparse

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    arguments.add_work_dir(parser, 'logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from the last checkpoint of the work dir, or from this one',
    )
    amp = 'mixed precision: float16 on CUDA, bfloat16 on a CPU'
    parser.add_argument('--amp', action='store_true', help=amp)
    no_report = 'write no report.html at the end'
    parser.add_argument(
        '--no-report', dest='report', action='store_false', help=no_report
    )
    scratch = 'start from random weights, not from those of ImageNet'
    parser.add_argument('--from-scratch', action='store_true', help=scratch)
    track = 'send figures and pictures there as well'
    trackers = ('tensorboard', 'wandb', 'mlflow')
    parser.add_argument('--track', choices=trackers, help=track)
    arguments.add_cfg_options(parser, 'train_cfg.max_epochs=2 or a.b="[1,2]"')
    arguments.add_launcher(parser)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import load_config, train, try_report

    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    cfg.launcher = args.launcher
    if args.from_scratch:
        cfg.from_scratch = True
    train(cfg, resume=args.resume, amp=args.amp, track=args.track)
    if args.report and arguments.is_first_process():
        try_report(cfg.work_dir)
