"""Cards of the models that have been measured: what they are, for what, and how good."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from studies.records import ROOT, read_rows
from studies.tables import markdown, spread

#: Figures that metafiles call otherwise than stored lines.
_KEYS = {'Precision per pixel': 'pixel_precision'}
#: What names of drawn data begin with.
_DRAWN = ('miniature', 'drawn')


def measured_models(index: Path = ROOT / 'model-index.yml') -> list[dict]:
    """The entries of all metafiles that have results, each with its collection."""
    found = []
    for name in yaml.safe_load(index.read_text('utf-8'))['Import']:
        metafile = yaml.safe_load((index.parent / name).read_text('utf-8'))
        collections = {entry['Name']: entry for entry in metafile['Collections']}
        found += [
            dict(model, collection=collections[model['In Collection']])
            for model in metafile['Models']
            if model.get('Results')
        ]
    return found


def model_cards(models: Iterable[Mapping[str, Any]], results: Path) -> str:
    """A card for each family of networks, in Markdown; lies in ``docs/results``.

    Args:
        models: Of :func:`measured_models`.
        results: Folder of stored lines; those that give a figure name its seeds.
    """
    families = defaultdict(list)
    for model in models:
        families[' on '.join(reversed(model['Metadata']['Architecture']))].append(model)
    lines = {file.stem: read_rows(file) for file in sorted(results.glob('*.jsonl'))}
    blocks = ['# Model cards']
    blocks.append(
        'One card for each family of networks, of all that has been measured. No weights '
        'are published: `segda train NAME`, or `segda self-train NAME` of a plan, makes '
        'them.'
    )
    for family, members in sorted(families.items()):
        blocks += [f'## {family}', *_card(members, lines)]
    return '\n\n'.join(blocks) + '\n'


def _card(
    models: Sequence[Mapping[str, Any]], lines: Mapping[str, Sequence[Mapping]]
) -> list[str]:
    trained, judged, papers, rows = {}, {}, {}, []
    for model in models:
        data = model['Metadata']['Training Data']
        paper = model['collection']['Paper']
        trained |= dict.fromkeys(data)
        papers[f'[{paper["Title"]}]({paper["URL"]})'] = None
        for result in model['Results']:
            judged[result['Dataset']] = None
            height, width = re.findall(r'(\d+)x(\d+)$', model['Name'])[0]
            rows.append(
                (
                    f'[{model["Name"]}](../../{model["Config"]})',
                    ', '.join(data),
                    result['Dataset'],
                    f'{width}x{height}',
                    ', '.join(f'{k} {v}' for k, v in result['Metrics'].items()),
                    _source(model, result['Metrics'], lines),
                )
            )
    head = ('model', 'trained on', 'judged on', 'pixels', 'figures, %', 'stored lines')
    if all(name.startswith(_DRAWN) for name in judged):
        use = 'trying methods and comparing them'
        limits = 'Judged on drawn streets alone: the figures say nothing on real ones.'
    else:
        use = 'comparing methods, and as a start for streets of your own'
        limits = (
            'Judged on few streets of one camera: other cameras, cities, weather and '
            'night are unknown.'
        )
    points = [
        f'- **Made for** {use}. Not for steering a vehicle, watching people, or anything on which safety '
        'depends.',
        f'- **Data**: {"; ".join(map(_licence, {**trained, **judged}))}.',
        f'- **Limits**: {limits} Classes of few pixels (poles, signs, riders) are found '
        'worst; the pages of the studies have every class.',
        f'- **Papers**: {"; ".join(papers)}.',
    ]
    return ['\n'.join(points), markdown(head, rows, names=len(head))]


def _licence(data: str) -> str:
    drawn = data.startswith(_DRAWN)
    return f'{data} ({"drawn by this package" if drawn else "terms of its owners"})'


def _source(
    model: Mapping[str, Any],
    figures: Mapping[str, float],
    lines: Mapping[str, Sequence[Mapping]],
) -> str:
    """The stored lines that give the figures: study, result, seeds, deviation."""
    for study, rows in lines.items():
        by_method = defaultdict(dict)
        for row in rows:
            if row.get('config') == model['Config'] and 'metrics' in row:
                by_method[row['method']][row['seed']] = row['metrics']
        for method, seeds in by_method.items():
            values = pd.DataFrame(seeds.values())
            keys = {name: _KEYS.get(name, name) for name in figures}
            if all(
                key in values and abs(values[key].mean() - figures[name]) < 0.051
                for name, key in keys.items()
            ):
                first = next(iter(keys))
                of = (
                    f'{first} {spread(values[keys[first]])}, ' if len(seeds) > 1 else ''
                )
                count = f'{len(seeds)} seed{"s" if len(seeds) > 1 else ""}'
                return f'[{method}]({study}.md): {of}{count}'
    return 'not kept'
