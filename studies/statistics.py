"""What repetitions over seeds tell: spreads, paired differences, chosen epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from .definition import SelectionRule
from .experiment_error import ExperimentError


@dataclass(frozen=True)
class Spread:
    """A sample by its mean and its standard deviation.

    Attributes:
        mean: Of the values.
        deviation: The sample standard deviation; None of a single value.
        count: Of the values.
    """

    mean: float
    deviation: float | None
    count: int


def spread_of(values: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation; None where there is no value."""
    if not values:
        return None
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(mean(values), deviation, len(values))


def figures_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a line: of its evaluation, and of the end of its training."""
    return {**row.get('training', {}), **row['metrics']}


def values_of(rows: Sequence[Mapping[str, Any]], figure: str) -> dict[Any, float]:
    """A figure of the lines of one result.

    Args:
        rows: One a seed.
        figure: Its name in ``metrics``, or in ``training``.

    Returns:
        Seed -> value, without those for which it is undefined.

    Raises:
        ExperimentError: a line does not have such a figure.
    """
    values = {}
    for row in rows:
        figures = figures_of(row)
        if figure not in figures:
            raise ExperimentError(
                f'{row["method"]} with seed {row["seed"]} has no figure {figure!r}; it '
                f'has {", ".join(figures)}'
            )
        if figures[figure] is not None:
            values[row['seed']] = figures[figure]
    return values


@dataclass(frozen=True)
class PairedDifference:
    """How a method differs from its baseline, seed by seed.

    Attributes:
        differences: Seed -> method minus baseline.
    """

    differences: dict[Any, float]

    @property
    def spread(self) -> Spread | None:
        """Mean and sample standard deviation of the differences."""
        return spread_of(list(self.differences.values()))

    @property
    def standard_error(self) -> float | None:
        """Of the mean difference; None with fewer than two seeds."""
        if len(self.differences) < 2:
            return None
        return self.spread.deviation / math.sqrt(len(self.differences))

    @property
    def standard_errors(self) -> float | None:
        """The mean difference in units of its standard error, which is t."""
        if not self.standard_error:
            return None
        return self.spread.mean / self.standard_error

    @property
    def p(self) -> float | None:
        """Of the two-sided paired t-test; None where it is not defined."""
        if not self.standard_error:
            return None
        # Takes a second to import, which no run has to wait for.
        from scipy.stats import ttest_rel

        values = list(self.differences.values())
        return float(ttest_rel(values, [0.0] * len(values)).pvalue)

    @property
    def num_better(self) -> int:
        """Seeds in which the method has the greater figure."""
        return sum(value > 0 for value in self.differences.values())


def paired(
    method: Mapping[Any, float], baseline: Mapping[Any, float]
) -> PairedDifference:
    """Pair two results by their seeds; a seed that only one of them has is left out.

    Args:
        method: Seed -> value.
        baseline: Seed -> value.
    """
    seeds = [seed for seed in method if seed in baseline]
    return PairedDifference({seed: method[seed] - baseline[seed] for seed in seeds})


def closed_gap(
    values: Mapping[Any, float],
    lower: Mapping[Any, float],
    upper: Mapping[Any, float],
) -> dict[Any, float]:
    """The share of the way from ``lower`` to ``upper`` that a result goes.

    Args:
        values: Seed -> value.
        lower: Seed -> value at 0 %.
        upper: Seed -> value at 100 %.

    Returns:
        Seed -> percent, of the seeds that all three have and in which upper and
        lower differ.
    """
    return {
        seed: 100 * (values[seed] - lower[seed]) / (upper[seed] - lower[seed])
        for seed in values
        if seed in lower and seed in upper and upper[seed] != lower[seed]
    }


@dataclass(frozen=True)
class Choice:
    """The validation that a rule chooses of one training.

    Attributes:
        epoch: Of the validation.
        value: The figure there.
        loss: What the best validation by that figure has more.
    """

    epoch: int
    value: float
    loss: float


def choose_validation(
    validations: Sequence[Mapping[str, Any]], figure: str, rule: SelectionRule | None
) -> Choice | None:
    """The validation that a rule would have chosen.

    Args:
        validations: Of one training: ``epoch`` and figures.
        figure: What is judged by, greater being better.
        rule: How to choose; None takes the last one. Of equally good ones the
            first is taken, as a training that saves its best checkpoint does.

    Returns:
        None where no validation has the figures.
    """
    judged = [entry for entry in validations if entry.get(figure) is not None]
    if rule is None:
        chosen = judged[-1:]
    else:
        candidates = [entry for entry in judged if entry.get(rule.figure) is not None]
        best = min if rule.rule == 'less' else max
        chosen = [best(candidates, key=lambda e: e[rule.figure])] if candidates else []
    if not chosen:
        return None
    value = chosen[0][figure]
    highest = max(entry[figure] for entry in judged)
    return Choice(chosen[0]['epoch'], value, highest - value)
