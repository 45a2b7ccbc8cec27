"""Fair times of several ways to do one thing, shared by the benchmarks beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

from studies.results_file import append_row

MIB = 2**20


def time_ways(
    ways: Mapping[str, Callable[[], object]], repeats: int, warm_up: int = 2
) -> dict[str, dict]:
    """Time each way ``repeats`` times, in turns.

    Turns give all ways their share of whatever else the machine is doing, so that
    ratios of medians hold where the times themselves do not. On CUDA a time ends when
    the device has finished.

    Args:
        ways: what to call, by name.
        repeats: times that each is measured.
        warm_up: calls of each before that.

    Returns:
        For each way ``median``, ``quartiles`` (low, high), ``fastest`` and
        ``processor_median`` (of all threads of this process) in milliseconds, and
        ``runs``; on CUDA also ``gpu_peak_mib``.
    """
    for _ in range(warm_up):
        for way in ways.values():
            way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    peaks = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, way in ways.items():
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
            _synchronize()
            begin = time.perf_counter()
            begin_processor = time.process_time()
            way()
            _synchronize()
            seconds[name].append(time.perf_counter() - begin)
            processor[name].append(time.process_time() - begin_processor)
            if torch.cuda.is_available():
                peak = torch.cuda.max_memory_allocated() / MIB
                peaks[name] = max(peaks[name], peak)
    timings = {
        name: dict(
            summary(measured),
            processor_median=summary(processor[name])['median'],
        )
        for name, measured in seconds.items()
    }
    if torch.cuda.is_available():
        for name, timing in timings.items():
            timing['gpu_peak_mib'] = round(peaks[name], 1)
    return timings


def summary(seconds: list[float]) -> dict:
    """Median, quartiles and fastest of some times, in milliseconds."""
    low, median, high = np.percentile(1000 * np.array(seconds), (25, 50, 75))
    return dict(
        median=round(median, 2),
        quartiles=[round(low, 2), round(high, 2)],
        fastest=round(1000 * min(seconds), 2),
        runs=len(seconds),
    )


def print_table(title: str, rows: Mapping[str, dict], bound: str | None = None) -> None:
    """Print what :func:`time_ways` measured.

    Args:
        title: head of the first column.
        rows: times by name.
        bound: the row that the others are divided by; None: no ratios.
    """
    width = 1 + max(39, *map(len, rows))
    print(f'{title:<{width}}{"ms":>10}{"quartiles":>22}{"ratio":>8}')
    for name, timing in rows.items():
        low, high = timing['quartiles']
        ratio = f'{timing["median"] / rows[bound]["median"]:.2f}' if bound else ''
        print(
            f'{name:<{width}}{timing["median"]:>10.2f}'
            f'{f"{low:.2f} to {high:.2f}":>22}{ratio:>8}'
        )


def report(row: dict, out: str | None) -> None:
    """Print a result as a JSON line and, if ``out`` is given, append it there."""
    print(json.dumps(row))
    if out:
        append_row(out, row)


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
