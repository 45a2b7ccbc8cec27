"""Train the model of a config."""

from __future__ import annotations

import argparse
import os
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints (work_dirs/<name of the config>)',
    )
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
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='override config entries, as train_cfg.max_epochs=2 or a.b="[1,2]"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes; torchrun is pytorch',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import (
        PreflightError,
        TrainingStoppedError,
        leave_process_group,
        load_config,
        train,
    )

    try:
        cfg = load_config(args.config, args.cfg_options, args.work_dir)
        cfg.launcher = args.launcher
        train(cfg, resume=args.resume, amp=args.amp)
        leave_process_group()
    except PreflightError as error:
        # Every process of a launcher meets the same error; one tells it.
        if os.environ.get('RANK', '0') == '0':
            print(f'train.py: {error}', file=sys.stderr)
        return 2
    except TrainingStoppedError as error:
        print(f'train.py: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
