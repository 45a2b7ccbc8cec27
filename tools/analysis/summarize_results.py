"""Print the mean and spread over seeds of the runs in a results file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev

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


def markdown_table(rows: list[dict]) -> str:
    """One line a method, in the order of first appearance.

    Args:
        rows: The lines of a results file: ``method``, ``seed`` and
            ``metrics`` in percent.
    """
    figures = PANOPTIC if 'PQ' in rows[0]['metrics'] else SEMANTIC
    lines = [
        '| method | ' + ' | '.join(figures.values()) + ' | seeds |',
        '| --- |' + ' ---: |' * (len(figures) + 1),
    ]
    for method in dict.fromkeys(row['method'] for row in rows):
        runs = [row for row in rows if row['method'] == method]
        cells = []
        for key in figures:
            values = [run['metrics'][key] for run in runs]
            spread = f' ± {stdev(values):.1f}' if len(values) > 1 else ''
            cells.append(f'{mean(values):.1f}{spread}')
        lines.append(f'| {method} | {" | ".join(cells)} | {len(runs)} |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('file', type=Path, help='benchmarks/results/<name>.jsonl')
    text = parser.parse_args().file.read_text()
    print(markdown_table([json.loads(line) for line in text.splitlines()]))


if __name__ == '__main__':
    main()
