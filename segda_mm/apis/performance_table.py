"""The table of measured speed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .performance_rows import PerformanceLine, Row, performance_lines

#: Of the block of a page that holds the table.
LABEL = 'performance table'

_HEADER = (
    'path',
    'size',
    'ms',
    'quartiles',
    'lower bound',
    'ratio',
    'target',
    'peak MiB',
    'verdict',
)
_RIGHT = range(2, 8)


def performance_table(rows: Iterable[Row]) -> str:
    """Write what benchmarks measured as Markdown, one table a machine and device.

    Of equal paths, sizes and machines the last row counts. Rows of other
    benchmarks are passed over; one that cannot be read is named below the tables.

    Args:
        rows: Lines of results files, oldest first.

    Returns:
        Tables that are aligned, so that they can be read as text too.
    """
    lines: dict[tuple[str, str], dict] = {}
    origins: dict[tuple[str, str], dict] = {}
    unread = []
    for row in rows:
        machine = row.get('machine', 'unknown machine'), row.get('device', 'cpu')
        try:
            found = performance_lines(row)
        except ValueError as error:
            unread.append(f'Not shown: {error}.')
            continue
        for line in found:
            lines.setdefault(machine, {})[line.path, line.size] = line
            origins.setdefault(machine, {})[line.path, line.size] = (
                f'commit {row.get("commit", "unknown")}, {row.get("date", "undated")}'
            )
    parts = []
    for machine, found in lines.items():
        commits = '; '.join(dict.fromkeys(origins[machine].values()))
        parts.append(f'**{machine[0]}, {machine[1]}** ({commits})')
        parts.append(_markdown([_HEADER, *map(_cells, found.values())]))
    return '\n\n'.join([*parts, *unread])


def _cells(line: PerformanceLine) -> tuple[str, ...]:
    targets = []
    if line.target_ratio is not None:
        targets.append(f'{line.target_ratio:.2f}')
    if line.target_milliseconds is not None:
        targets.append(f'{line.target_milliseconds:g} ms')
    verdict = {True: 'met', False: 'not met', None: ''}[line.met]
    return (
        line.path,
        line.size,
        f'{line.milliseconds:.2f}',
        f'{line.quartiles[0]:.2f} to {line.quartiles[1]:.2f}' if line.quartiles else '',
        '' if line.bound is None else f'{line.bound:.2f}',
        '' if line.ratio is None else f'{line.ratio:.2f}',
        ', '.join(targets),
        '' if line.peak_mib is None else f'{line.peak_mib:.0f}',
        verdict,
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(3, *map(len, column)) for column in zip(*rows)]
    rules = [
        '-' * (width - 1) + ':' if index in _RIGHT else '-' * width
        for index, width in enumerate(widths)
    ]
    padded = [
        [
            cell.rjust(width) if index in _RIGHT else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths))
        ]
        for row in [rows[0], rules, *rows[1:]]
    ]
    return '\n'.join(f'| {" | ".join(row)} |' for row in padded)
