"""What a run shows on the console: little. All of it, and more, is in its log file."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

import mmengine
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

_MMENGINE = Path(mmengine.__file__).parent

#: Seconds between two lines where there is no terminal, and two looks at the loss.
_SECONDS_A_LINE, _SECONDS_A_LOSS = 15.0, 0.5


class ForTheFile(logging.Filter):
    """Keep a logger's console for warnings, and for lines that are no engine room's.

    MMEngine's Runner logs the machine, the whole config and every hook, and its
    LoggerHook each figure; tables are shown where nothing is trained.
    """

    def __init__(self) -> None:
        super().__init__()
        self.training = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the console shows a record."""
        # What others say through MMEngine's print_log is none of its own.
        own = _MMENGINE in Path(record.pathname).parents
        if record.levelno != logging.INFO:
            return not (own and 'deprecated' in record.getMessage())
        if own and record.funcName != 'print_log':
            return False
        text = record.getMessage()
        # A line for each weight that has a rate of its own.
        if text.startswith('paramwise_options -- '):
            return False
        # A table, or the line above it.
        return not (self.training and ('\n' in text or text.endswith(':')))


def quiet_console(logger: logging.Logger) -> None:
    """Let a logger's console show short lines; not where it shows debugging."""
    for handler in _consoles(logger):
        if handler.level > logging.DEBUG and not _filters(handler):
            handler.addFilter(ForTheFile())
            handler.setFormatter(_ShortFormatter('%(message)s'))


class ConsoleHook(Hook):
    """Show how far a training is: a bar on a terminal, a line now and then elsewhere.

    After each validation and test, the metrics that are not those of one class.
    """

    # After those that add figures to the metrics.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: Any = None
        self._begun = self._told = self._looked = 0.0
        self._first = 0
        self._loss = ''

    def before_train(self, runner: Runner) -> None:
        """Begin to tell."""
        if not is_main_process():
            return
        self._begun = self._told = time.monotonic()
        self._first = runner.iter
        self._set_training(runner, True)
        if not sys.stdout.isatty():
            return
        self._bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn('{task.fields[loss]}'),
            console=Console(file=sys.stdout),
            transient=True,
        )
        self._task = self._bar.add_task(
            _epoch(runner), total=runner.max_iters, completed=runner.iter, loss=''
        )
        self._bar.start()
        # Lines go above the bar, which has taken the place of sys.stdout.
        for handler in _consoles(runner.logger):
            handler.setStream(sys.stdout)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Move the bar; or tell a line, at most every 15 seconds."""
        if not is_main_process():
            return
        now, done = time.monotonic(), runner.iter + 1
        if now - self._looked > _SECONDS_A_LOSS:
            self._looked, self._loss = now, _losses(outputs or {})
        if self._bar is not None:
            self._bar.update(
                self._task, completed=done, description=_epoch(runner), loss=self._loss
            )
        elif now - self._told > _SECONDS_A_LINE:
            self._told = now
            each = (now - self._begun) / (done - self._first)
            left = each * (runner.max_iters - done) / 60
            print(
                f'{_epoch(runner)}, step {done}/{runner.max_iters}, {self._loss}, '
                f'{each:.2f} s a step, {left:.0f} min left',
                flush=True,
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Tell that an epoch is over."""
        if is_main_process() and self._bar is None:
            print(f'{_epoch(runner)} done, {self._loss}', flush=True)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Tell the metrics of a validation."""
        self._tell_metrics('validation', metrics)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Tell the metrics of a test."""
        self._tell_metrics('test', metrics)

    def after_train(self, runner: Runner) -> None:
        """Stop the bar; to be called also where a training is cut off."""
        if not is_main_process():
            return
        self._set_training(runner, False)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            for handler in _consoles(runner.logger):
                handler.setStream(sys.stdout)

    def after_run(self, runner: Runner) -> None:
        """Tell where the results are."""
        if is_main_process() and self._first + 1 < runner.iter:
            print(f'results: {runner.work_dir}', flush=True)

    def _tell_metrics(self, what: str, metrics: dict[str, float] | None) -> None:
        figures = [
            f'{name} {value:.2f}'
            for name, value in (metrics or {}).items()
            if '.' not in name and isinstance(value, int | float)
        ]
        if is_main_process() and figures:
            stream = self._bar.console.print if self._bar is not None else print
            stream(f'{what}: {", ".join(figures)}')

    def _set_training(self, runner: Runner, training: bool) -> None:
        for handler in _consoles(runner.logger):
            for entry in _filters(handler):
                entry.training = training


class _ShortFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.levelno == logging.INFO else f'{record.levelname}: {text}'


def _consoles(logger: logging.Logger) -> list[logging.StreamHandler]:
    return [
        handler
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
    ]


def _filters(handler: logging.Handler) -> list[ForTheFile]:
    return [entry for entry in handler.filters if isinstance(entry, ForTheFile)]


def _epoch(runner: Runner) -> str:
    return f'epoch {min(runner.epoch + 1, runner.max_epochs)}/{runner.max_epochs}'


def _losses(outputs: dict[str, Any]) -> str:
    """The loss that a step returned, or those of its parts, at most three."""
    sums = [name for name in outputs if name.rpartition('.')[2] == 'loss']
    sums = ['loss'] if 'loss' in sums else sums
    return ', '.join(
        f'{name} {torch.as_tensor(outputs[name]).item():.3f}' for name in sums[:3]
    )
