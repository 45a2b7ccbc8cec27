"""Fair times of several ways to do one thing, and the line that stores them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from studies.records import append_row

MIB = 2**20
CLOCKS = dict(wall=time.perf_counter, cpu=time.process_time)
CLOCK_HELP = (
    'cpu: seconds of the processor, to which other programs add little; on an idle '
    'machine those of the clock on the wall, with --threads 1'
)


def parser_for(description: str | None, repeats: int) -> argparse.ArgumentParser:
    """The arguments that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=repeats, help='of each way')
    parser.add_argument('--clock', choices=CLOCKS, default='wall', help=CLOCK_HELP)
    parser.add_argument('--out', help='results file to append the line to')
    return parser


def time_ways(
    ways: Mapping[str, Callable[[], object]],
    repeats: int,
    warm_up: int = 2,
    clock: str = 'wall',
) -> dict[str, dict[str, Any]]:
    """Time each way ``repeats`` times, in turns, after some calls to warm up.

    Turns give all ways their share of whatever else the machine is doing, so that
    ratios of medians hold where the times themselves do not. On CUDA a time ends when
    the device has finished, and there is ``peak_mib`` beside :func:`summary`.
    ``clock`` is one of ``CLOCKS``.
    """
    now = CLOCKS[clock]
    cuda = torch.cuda.is_available()
    for _ in range(warm_up):
        for way in ways.values():
            way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    peaks = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, way in ways.items():
            if cuda:
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
            begin = now()
            way()
            if cuda:
                torch.cuda.synchronize()
                peak = torch.cuda.max_memory_allocated() / MIB
                peaks[name] = max(peaks[name], peak)
            seconds[name].append(now() - begin)
    timings = {name: summary(measured) for name, measured in seconds.items()}
    if cuda:
        for name, timing in timings.items():
            timing['peak_mib'] = round(peaks[name], 1)
    return timings


def summary(seconds: Sequence[float]) -> dict[str, Any]:
    """``ms``, the median, and ``quartiles`` of some times, in milliseconds."""
    low, median, high = np.percentile(1000 * np.array(seconds), (25, 50, 75))
    return dict(ms=round(median, 2), quartiles=[round(low, 2), round(high, 2)])


def timed_lines(
    path: str, size: str, timings: Mapping[str, Mapping], bound: str | None = None
) -> list[dict[str, Any]]:
    """Lines of one path, as ``'training step, mpl'``, for :func:`report`.

    The names of ways come behind the path. ``bound`` is the way that is a lower bound
    of the others, and has no line.
    """
    of_bound = {} if bound is None else dict(bound_ms=timings[bound]['ms'])
    return [
        dict(path=f'{path}, {name}'.removesuffix(', '), size=size, **timing, **of_bound)
        for name, timing in timings.items()
        if name != bound
    ]


def report(
    benchmark: str,
    lines: Sequence[Mapping[str, Any]],
    origin: Mapping[str, Any],
    out: str | None,
    **details: Any,
) -> None:
    """Print lines and, if ``out`` is given, append them there as one JSON line.

    ``origin`` is that of :func:`studies.records.provenance`, asked before measuring.
    """
    for line in lines:
        name = f'{line["path"]} ({line["size"]})'
        ratio = f'{line["ms"] / line["bound_ms"]:.2f}' if line.get('bound_ms') else ''
        print(f'{name:<80}{line["ms"]:>10.2f} ms{ratio:>8}', flush=True)
    if out:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        row = dict(benchmark=benchmark, device=device, lines=[*lines])
        threads = torch.get_num_threads()
        append_row(out, {**row, **details, **origin, 'threads': threads})
