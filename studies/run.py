"""Train, resume and evaluate what a study lacks.

Every result is a line of studies/results/<study>.jsonl. What stands there under the
hash of the present config is not run again, and a run that was cut goes on when the
same command is given again. `python studies/pages.py` writes the page.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segda_mm.apis import PreflightError, TrainingStoppedError
from studies.progress import Runs, Task
from studies.records import RESULTS, ROOT, provenance
from studies.scheduler import carry_out_all, end_with_parent
from studies.study import Row, StudyError, load_study


def parse_args(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('study', type=Path, help='its file')
    parser.add_argument('--seeds', type=int, nargs='+', help='these only')
    parser.add_argument(
        '--rows', nargs='+', metavar='NAME', help='these, and what they start from'
    )
    parser.add_argument('--jobs', type=int, default=1, help='at once (%(default)s)')
    parser.add_argument(
        '--dry-run', action='store_true', help='show what there is to do, and end'
    )
    parser.add_argument(
        '--keep-changed',
        action='store_true',
        help='results of another config than the present one count as done',
    )
    parser.add_argument(
        '--data',
        nargs='+',
        default=[],
        metavar='ROOT=FOLDER',
        help='data lie elsewhere, as data/camvid=/my/street; needs --results',
    )
    parser.add_argument(
        '--results',
        type=Path,
        metavar='FILE',
        help='lines of results (studies/results/<study>.jsonl)',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=ROOT / 'work_dirs/studies',
        help='of all runs (work_dirs/studies)',
    )
    parser.add_argument('--child', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args(words)
    if args.jobs < 1:
        parser.error('--jobs must be at least 1')
    if any('=' not in pair for pair in args.data):
        parser.error('--data takes ROOT=FOLDER, as data/camvid=/my/street')
    if args.data and args.results is None:
        parser.error('--data needs --results: other data have a results file of theirs')
    # Of where the user is; configs and data are found from the project.
    for name in ('study', 'results', 'work_dir'):
        if getattr(args, name) is not None:
            setattr(args, name, getattr(args, name).absolute())
    return args


def main(words: Sequence[str] | None = None) -> int:
    args = parse_args(words)
    os.chdir(ROOT)
    try:
        study = load_study(args.study)
        moved = dict(pair.split('=', 1) for pair in args.data)
        results = args.results or RESULTS / f'{study.name}.jsonl'
        runs = Runs(study, args.work_dir, results, moved, args.keep_changed)
        chosen = runs.choose(args.seeds, args.rows)
        if args.child:
            end_with_parent()
            ((row, seed),) = chosen
            # Of the code that runs, not of what it has become when it is done.
            origin = provenance(_command(row, seed, args))
            runs.carry_out(row, seed, origin)
            return 0
        if args.dry_run:
            print(runs.overview(chosen))
            return 0
        runs.reuse(chosen)
        tasks = runs.tasks(chosen)
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            went_well = carry_out_all(tasks, args.jobs, _Starter(runs, args))
        finally:
            signal.signal(signal.SIGTERM, before)
        return 0 if went_well else 1
    except (StudyError, PreflightError) as error:
        print(f'run.py: {error}', file=sys.stderr)
        return 2
    except TrainingStoppedError as error:
        print(f'run.py: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('run.py: stopped; the same command goes on', file=sys.stderr)
        return 130


class _Starter:
    """Starts a task as a process of its own, whose output goes to its folder."""

    def __init__(self, runs: Runs, args: argparse.Namespace) -> None:
        self.runs = runs
        self.args = args

    def __call__(self, task: Task) -> subprocess.Popen:
        folder = self.runs.folder(task.row, task.seed)
        folder.mkdir(parents=True, exist_ok=True)
        print(f'{task}: begins in {folder}, see output.txt there', flush=True)
        cores = len(os.sched_getaffinity(0))
        threads = str(max(1, cores // self.args.jobs))
        words = _command(task.row, task.seed, self.args)
        words += ['--work-dir', str(self.runs.work_dir), '--child']
        with (folder / 'output.txt').open('a', encoding='utf-8') as stream:
            return subprocess.Popen(
                [sys.executable, *words],
                # Never written to: it ends when this process does.
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                env=dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads),
            )


def _command(row: Row, seed: int, args: argparse.Namespace) -> list[str]:
    """The words that carry out one row with one seed."""
    study = args.study
    if study.is_relative_to(ROOT):
        study = study.relative_to(ROOT)
    words = ['studies/run.py', str(study), '--rows', row.name, '--seeds', str(seed)]
    if args.data:
        words += ['--data', *args.data]
    if args.results:
        words += ['--results', str(args.results)]
    return words


if __name__ == '__main__':
    sys.exit(main())
