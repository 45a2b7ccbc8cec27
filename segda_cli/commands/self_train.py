"""Carry out a plan of self-training, or go on where it stopped.

A plan lists teacher, unlabelled images and students: Algorithm 1 of
"Naive-Student". `segda config` lists those that are shipped.
"""

from __future__ import annotations

import argparse

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('plan', help='plan file')
    arguments.add_work_dir(parser, 'state, stages and report')
    parser.add_argument(
        '--redo-from',
        metavar='STAGE',
        help='delete this stage, as 1-student, and those after it, and do them again',
    )
    arguments.add_cfg_options(parser, 'seed=1 or rounds.0.student.steps=500')
    arguments.add_launcher(parser)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import load_config, self_train

    cfg = load_config(args.plan, args.cfg_options, args.work_dir)
    cfg.launcher = args.launcher
    self_train(cfg, redo_from=args.redo_from)
