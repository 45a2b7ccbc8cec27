"""Carry out what is missing of an experiment, and write its page of results.

An experiment is a config that lists runs, seeds, and the tables, comparisons and
plots they make. Every result is a line of studies/results/<name>.jsonl;
what stands there with the present config is not run again, a run that was cut goes
on, and docs/results/<name>.md is written from the lines.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studies.study import Study

ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('experiment', help='file, relative to the project')
    parser.add_argument('--seeds', type=int, nargs='+', help='these only')
    parser.add_argument(
        '--only', nargs='+', metavar='NAME', help='these runs, and what they start from'
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='runs at once (%(default)s)'
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='show what there is to do, and end'
    )
    parser.add_argument(
        '--report', action='store_true', help='write the page only, and run nothing'
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/experiments', help='of all runs (%(default)s)'
    )
    parser.add_argument(
        '--results',
        metavar='FILE',
        help='lines of results (studies/results/<name>.jsonl)',
    )
    parser.add_argument(
        '--docs', default='docs/results', help='folder of the page (%(default)s)'
    )
    parser.add_argument(
        '--carry-out',
        metavar='RUN',
        help='do this one run with --seed in this process, write its lines and no page',
    )
    parser.add_argument('--seed', type=int, help='of --carry-out')
    parser.add_argument(
        '--parent',
        type=int,
        metavar='PID',
        help='end with this process, which started --carry-out',
    )
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error('--jobs must be at least 1')
    return args


def main() -> int:
    args = parse_args()
    os.chdir(ROOT)
    if args.parent is not None:
        end_with(args.parent)
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import PreflightError, TrainingStoppedError
    from studies.experiment_error import ExperimentError

    try:
        return work(args)
    except (ExperimentError, PreflightError) as error:
        print(f'experiment.py: {error}', file=sys.stderr)
        return 2
    except TrainingStoppedError as error:
        print(f'experiment.py: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('experiment.py: stopped; the same command goes on', file=sys.stderr)
        return 130


def work(args: argparse.Namespace) -> int:
    """Do what the command line asks for; returns the exit code."""
    from studies.read_experiment import read_experiment
    from studies.study import Study, results_file

    experiment = read_experiment(in_project(args.experiment))
    lines = in_project(args.results or results_file(experiment))
    study = Study(experiment, in_project(args.work_dir), lines)
    if args.carry_out is None:
        return carry_out_missing(study, args)
    from studies.carry_out import carry_out, find_run

    carry_out(study, *find_run(study, args.carry_out, args.seed))
    return 0


def in_project(path: str | Path) -> Path:
    """A path as it is stored and printed: relative, where it is in the project."""
    path = Path(path).absolute()
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def carry_out_missing(study: Study, args: argparse.Namespace) -> int:
    """Start what is not done yet, and write the page; returns the exit code."""
    from studies.progress import progress_table
    from studies.report import write_report
    from studies.schedule import choose, run_tasks, tasks_for

    results = study.results()
    if results.num_stale:
        print(
            f'{results.num_stale} lines of {study.results_file} are of other configs '
            'than the present ones and are passed over',
            file=sys.stderr,
        )
    went_well = True
    if not args.report:
        chosen = choose(study, args.seeds, args.only)
        tasks = tasks_for(study, results, chosen)
        if args.dry_run:
            print(progress_table(study, results, chosen, tasks, args.jobs))
            return 0
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        went_well = run_tasks(study, tasks, args.jobs)
    print(write_report(study, args.docs))
    return 0 if went_well else 1


def end_with(parent: int) -> None:
    """End this process as soon as it is no longer a child of another one."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        # As a kill does: the last checkpoint is where the next call goes on.
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == '__main__':
    sys.exit(main())
