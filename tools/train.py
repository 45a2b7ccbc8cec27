"""Train the model of a config."""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config file')
    arguments.add_work_dir(parser, 'logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from the last checkpoint of the work dir, or from this one',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 on CUDA, bfloat16 on a CPU',
    )
    arguments.add_cfg_options(parser, 'train_cfg.max_epochs=2 or a.b="[1,2]"')
    arguments.add_launcher(parser)
    return arguments.run(parser.parse_args(), job)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import load_config, train

    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    cfg.launcher = args.launcher
    train(cfg, resume=args.resume, amp=args.amp)


if __name__ == '__main__':
    sys.exit(main())
