"""Figures in texts, filled in from the results that they speak of.

``<<mIoU: DSC>>`` is mean and standard deviation of a result, ``<<mIoU: DSC - FCD>>``
those of the paired differences of two, and ``<<each mIoU: DSC - FCD>>`` the difference
in every seed; ``<<standard errors mIoU: DSC - FCD>>`` is the mean difference in units
of its standard error, ``<<gap mIoU: DSC; lower; upper>>`` the share of the way from one
result to another, and ``<<seeds: DSC>>`` their number.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from .experiment_error import ExperimentError
from .number_text import NOT_RUN, each_text, number, spread_text
from .results import Results
from .statistics import closed_gap, paired, spread_of, values_of

_PLACEHOLDER = re.compile(r'<<(.*?)>>', re.DOTALL)
_FORMS = (
    '<<FIGURE: A>>, <<FIGURE: A - B>>, <<each FIGURE: A>>, <<each FIGURE: A - B>>, '
    '<<standard errors FIGURE: A - B>>, <<gap FIGURE: A; LOWER; UPPER>>, <<seeds: A>>'
)


@dataclass(frozen=True)
class Placeholder:
    """One of the forms above.

    Attributes:
        what: ``'mean'``, ``'each'``, ``'standard errors'``, ``'gap'`` or ``'seeds'``.
        figure: Name of the figure; empty where only seeds are counted.
        results: Names of one, two (method, baseline) or three results.
    """

    what: str
    figure: str
    results: tuple[str, ...]


def check_placeholders(text: str, known: Collection[str], key: str) -> None:
    """See that the placeholders of a text name results that there are.

    Args:
        text: Of an experiment.
        known: Names of results.
        key: Where the text stands.

    Raises:
        ExperimentError: naming the placeholder.
    """
    for found in _PLACEHOLDER.finditer(text):
        try:
            _parse(found[1], known)
        except ExperimentError as error:
            raise ExperimentError(f'{key}: {found[0]}: {error}') from error


def fill_placeholders(text: str, results: Results) -> str:
    """Replace every placeholder of a text by what it stands for.

    Args:
        text: Of an experiment.
        results: Of the experiment.

    Raises:
        ExperimentError: naming the placeholder, and the figure that results lack.
    """
    known = results.experiment.all_results

    def fill(found: re.Match) -> str:
        try:
            return _value(_parse(found[1], known), results)
        except ExperimentError as error:
            raise ExperimentError(f'{found[0]}: {error}') from error

    return _PLACEHOLDER.sub(fill, text)


def _parse(body: str, known: Collection[str]) -> Placeholder:
    head, _, names = ' '.join(body.split()).partition(': ')
    what, figure = 'mean', head
    for prefix in ('each', 'standard errors', 'gap'):
        if head.startswith(f'{prefix} '):
            what, figure = prefix, head[len(prefix) + 1 :]
    if head == 'seeds':
        what, figure = 'seeds', ''
    separator = ';' if what == 'gap' else ' - '
    parts = tuple(name.strip() for name in names.split(separator))
    allowed = {'gap': (3,), 'standard errors': (2,), 'seeds': (1,)}.get(what, (1, 2))
    if not names or ' ' in figure or len(parts) not in allowed:
        raise ExperimentError(f'this is none of {_FORMS}')
    for name in parts:
        if name not in known:
            raise ExperimentError(f'{name!r} is no result of a run')
    return Placeholder(what, figure, parts)


def _value(placeholder: Placeholder, results: Results) -> str:
    rows = [results.of(name) for name in placeholder.results]
    if placeholder.what == 'seeds':
        return str(len(rows[0]))
    values = [values_of(part, placeholder.figure) for part in rows]
    if not all(values):
        return NOT_RUN
    decimals = results.experiment.decimals.get(placeholder.figure, 1)
    if placeholder.what == 'gap':
        share = spread_of(list(closed_gap(*values).values()))
        return NOT_RUN if share is None else f'{spread_text(share, 0)} %'
    if len(values) == 1:
        if placeholder.what == 'each':
            return each_text(values[0].values(), decimals)
        return spread_text(spread_of(list(values[0].values())), decimals)
    pairs = paired(*values)
    if placeholder.what == 'standard errors':
        errors = pairs.standard_errors
        return NOT_RUN if errors is None else number(errors)
    if placeholder.what == 'each':
        return each_text(pairs.differences.values(), decimals, signed=True)
    return spread_text(pairs.spread, decimals, signed=True)
