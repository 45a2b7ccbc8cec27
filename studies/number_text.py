"""Figures as they are printed."""

from __future__ import annotations

from collections.abc import Iterable

from .statistics import Spread

#: What stands where there is no result.
NOT_RUN = 'not run yet'


def number(value: float, decimals: int = 1, signed: bool = False) -> str:
    """A figure with a fixed number of digits behind the point; no zero has a sign."""
    text = f'{value:{"+" if signed else ""}.{decimals}f}'
    return text if float(text) else text.lstrip('+-')


def spread_text(spread: Spread | None, decimals: int = 1, signed: bool = False) -> str:
    """A mean and its standard deviation, as ``17.3 ± 1.2``."""
    if spread is None:
        return NOT_RUN
    text = number(spread.mean, decimals, signed)
    if spread.deviation is None:
        return text
    return f'{text} ± {number(spread.deviation, decimals)}'


def each_text(values: Iterable[float], decimals: int = 1, signed: bool = False) -> str:
    """Figures one after the other, as ``+1.0, +2.0, -0.3``."""
    return ', '.join(number(value, decimals, signed) for value in values) or NOT_RUN
