"""What the command lines share: arguments, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows its description, a docstring, as it is written."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_cfg_options(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help=f'override entries of the config, as {example}',
    )


def add_trained_network(parser: argparse.ArgumentParser) -> None:
    """What a file about own data may start from, and by what it goes on."""
    init = 'trained network to go on from; without --source, with the target alone'
    parser.add_argument('--init', metavar='CHECKPOINT', help=init)
    network = 'its config, as mmseg::segformer_mit-b0 (BiSeNet)'
    parser.add_argument('--network', metavar='NAME', help=network)
    recipe = 'one of configs/own (mpl; without a source, mean_teacher)'
    parser.add_argument('--recipe', metavar='NAME', help=recipe)


def add_work_dir(
    parser: argparse.ArgumentParser,
    content: str,
    default: str = 'work_dirs/<name of the config>',
) -> None:
    parser.add_argument('--work-dir', help=f'folder for {content} ({default})')


def add_launcher(
    parser: argparse.ArgumentParser, launchers: tuple[str, ...] = LAUNCHERS
) -> None:
    """Also ``--local-rank``, which some launchers give."""
    parser.add_argument(
        '--launcher',
        choices=launchers,
        default='none',
        help='what started the processes; torchrun is pytorch',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def add_predict_on(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--predict-on',
        choices=['student', 'teacher', 'light'],
        help='which network of a method with several (what the config says)',
    )


def add_max_lost_frames(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--max-lost-frames',
        type=float,
        default=0.1,
        metavar='SHARE',
        help='refuse a damaged video of which more is lost, from 0 to 1 (%(default)s)',
    )


def size(text: str) -> tuple[int, int]:
    """Read a size: ``'256x128'`` is (256, 128), width first."""
    width, _, height = text.partition('x')
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f'{text!r} is not as 256x128')
    return int(width), int(height)


def progress_printer() -> Callable[[str, int, int], None]:
    """A function that tells on stderr how far a job is, every two seconds."""
    last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 2 or done == total:
            last = time.monotonic()
            print(f'{what}: {done}/{total}', file=sys.stderr, flush=True)

    return show


def run(
    args: argparse.Namespace,
    job: Callable[[argparse.Namespace], int | None],
    refused: tuple[type[Exception], ...] = (),
    *,
    program: str | None = None,
    needs_libraries: bool = True,
) -> int:
    """Do a command's job; what cannot be done is told in a sentence on stderr.

    Args:
        args: What was parsed.
        job: Takes ``args``, and may return another exit status than 0.
        refused: Errors that mean that the job cannot start, besides the package's.
        program: Its name, which begins the sentence; by default the script's.
        needs_libraries: Whether it cannot run where the libraries are not in order.

    Returns:
        The exit status: 1 for libraries that do not work or a training that had
        begun and has to stop, 2 for a job that cannot start, 130 where a user
        stopped it.
    """
    os.environ.setdefault('LOCAL_RANK', str(getattr(args, 'local_rank', 0)))
    # Modules beside the user's configs, as for a script that lies there.
    if '' not in sys.path and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    if not needs_libraries:
        return job(args) or 0
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    # Said by mmseg for every config whose pictures wait for `segda test --show-dir`.
    warnings.filterwarnings('ignore', message='The draw is False')
    from segda_mm.engine.distributed import leave_process_group
    from segda_mm.errors import (
        FileNotWrittenError,
        PreflightError,
        TrainingStoppedError,
    )

    program = program or Path(sys.argv[0]).name
    try:
        status = job(args)
        leave_process_group()
    except KeyboardInterrupt:
        _tell(program, 'stopped')
        return 130
    except TrainingStoppedError as error:
        _tell(program, error)
        return 1
    except (FileNotWrittenError, PreflightError, *refused) as error:
        # Every process of a launcher meets the same error; one tells it.
        if is_first_process():
            _tell(program, error)
        return 2
    return status or 0


def _tell(program: str, error: Exception | str) -> None:
    # What was shown before comes before, and on a terminal apart.
    sys.stdout.flush()
    gap = '\n' if sys.stderr.isatty() else ''
    print(f'{gap}{program}: {error}', file=sys.stderr)


def is_first_process() -> bool:
    """Whether this is the process that prints for all of a launcher's."""
    return os.environ.get('RANK', '0') == '0'
