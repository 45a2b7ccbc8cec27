"""The table of the runs of a results file, and its places in a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from .page_blocks import block_labels, fill_block
from .results_file import read_rows

#: What the label of a block begins with, before the path of its results file.
RESULTS_OF = 'results of '

#: Figures and their headings, of semantic and of panoptic runs.
SEMANTIC = {'mIoU': 'mIoU', 'aAcc': 'aAcc', 'pixel_precision': 'precision per pixel'}
PANOPTIC = {
    'PQ': 'PQ',
    'PQ_things': 'PQ things',
    'PQ_stuff': 'PQ stuff',
    'AP': 'AP',
    'AP50': 'AP50',
    'mIoU': 'mIoU',
}


def results_table(rows: Sequence[Mapping]) -> str:
    """Mean ± sample standard deviation, one line a method, as Markdown.

    Args:
        rows: The lines of a results file, at least one: ``method``, ``seed`` and
            ``metrics`` in percent. Methods keep the order of their first line.

    Raises:
        ValueError: A line lacks what the table shows.
    """
    try:
        figures = PANOPTIC if 'PQ' in rows[0]['metrics'] else SEMANTIC
        lines = [
            '| method | ' + ' | '.join(figures.values()) + ' | seeds |',
            '| --- |' + ' ---: |' * (len(figures) + 1),
        ]
        for method in dict.fromkeys(row['method'] for row in rows):
            runs = [row['metrics'] for row in rows if row['method'] == method]
            cells = [_spread([run[figure] for run in runs]) for figure in figures]
            lines.append(f'| {method} | {" | ".join(cells)} | {len(runs)} |')
    except KeyError as error:
        raise ValueError(f'a line of results has no {error}') from error
    return '\n'.join(lines)


def fill_results(page: str) -> str:
    """Write the tables of results files into their blocks of a page.

    Args:
        page: Markdown. The label of such a block is ``results of FILE``; files are
            found from the working directory.

    Raises:
        ValueError: The page has no such block, a marker is missing, or a file has
            no results of this kind.
    """
    labels = [label for label in block_labels(page) if label.startswith(RESULTS_OF)]
    if not labels:
        raise ValueError(
            f'the page has no line "<!-- {RESULTS_OF}FILE: begin -->" and below it '
            f'"<!-- {RESULTS_OF}FILE: end -->"'
        )
    for label in labels:
        file = label.removeprefix(RESULTS_OF)
        page = fill_block(page, label, table_of_file(file))
    return page


def table_of_file(file: str) -> str:
    """The table of a results file.

    Raises:
        ValueError: The file does not exist, is empty, or holds other results.
    """
    rows = read_rows(file)
    if not rows:
        raise ValueError(f'{file} has no results; is it named from the project folder?')
    try:
        return results_table(rows)
    except ValueError as error:
        raise ValueError(f'{file}: {error}') from error


def _spread(values: Sequence[float]) -> str:
    spread = f' ± {stdev(values):.1f}' if len(values) > 1 else ''
    return f'{mean(values):.1f}{spread}'
