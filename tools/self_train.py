"""Carry out a plan of self-training, or go on where it stopped.

A plan lists teacher, unlabelled images and students: Algorithm 1 of
"Naive-Student". See configs/naive_student/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('plan', help='plan file')
    parser.add_argument(
        '--work-dir',
        help='folder for state, stages and report (work_dirs/<name of the plan>)',
    )
    parser.add_argument(
        '--redo-from',
        metavar='STAGE',
        help='delete this stage, as 1-student, and those after it, and do them again',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='override entries of the plan, as seed=1 or rounds.0.student.steps=500',
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
        self_train,
    )

    try:
        cfg = load_config(args.plan, args.cfg_options, args.work_dir)
        cfg.launcher = args.launcher
        self_train(cfg, redo_from=args.redo_from)
        leave_process_group()
    except PreflightError as error:
        # Every process of a launcher meets the same error; one tells it.
        if os.environ.get('RANK', '0') == '0':
            print(f'self_train.py: {error}', file=sys.stderr)
        return 2
    except TrainingStoppedError as error:
        print(f'self_train.py: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
