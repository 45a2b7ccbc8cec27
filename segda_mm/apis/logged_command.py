"""Another program, run to its end, with its output in a file."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from segda_mm.errors import DemoError

#: As MMEngine logs a training step: Epoch(train)  [3][ 25/120]  lr: ... eta: 0:01:02
STEP = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\].*?eta: ([\d:]+)')

#: As the converters count: cityscapes: 150/500 frames
COUNT = re.compile(r'^(\w+: \d+/\d+ frames)$', re.MULTILINE)

#: Lines of the log that an error message shows.
TAIL = 15


def run_logged(
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str],
    report: Callable[[str], None],
    poll_seconds: float = 1.0,
) -> None:
    """Run a program; its output goes to ``log``, its progress to ``report``.

    Args:
        command: program and arguments.
        log: written anew.
        env: its environment.
        report: called about every ``poll_seconds`` with a description of the
            last step of work in the log, once there is one.
        poll_seconds: time between two looks at the log.

    Raises:
        DemoError: the program failed; holds the end of the log. The program
            is stopped when this process is interrupted.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'w', encoding='utf-8') as stream:
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdout=stream,
            stderr=subprocess.STDOUT,
            # What this process marked as inheritable (a lock) goes along.
            close_fds=False,
        )
        try:
            with open(log, encoding='utf-8', errors='replace') as reader:
                while process.poll() is None:
                    time.sleep(poll_seconds)
                    step = last_step(reader.read())
                    if step:
                        report(step)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        end = log.read_text(encoding='utf-8', errors='replace').splitlines()[-TAIL:]
        raise DemoError(
            f'{" ".join(command)}\nended with status {process.returncode}. '
            f'The end of {log}:\n' + '\n'.join(end)
        )


def last_step(text: str) -> str | None:
    """Describe the last step of work that a piece of a log tells of."""
    steps = STEP.findall(text)
    if not steps:
        counts = COUNT.findall(text)
        return counts[-1] if counts else None
    epoch, iteration, length, left = steps[-1]
    return f'epoch {epoch}, iteration {iteration}/{length}, {left} left'
