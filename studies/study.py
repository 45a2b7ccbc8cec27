"""What a file of a study says: rows, seeds, and the tables and plots made of them."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

#: Dotted keys and their new values, or a function that changes a config in place.
Change = Mapping[str, Any] | Callable[[Config], None]


class StudyError(ValueError):
    """A study, or one of its rows, is wrong; the message names it and what to do."""


@dataclass(frozen=True)
class Row:
    """One way to get results, carried out once for every seed.

    It trains a config and evaluates the last checkpoint; or, with ``of``, evaluates
    that of another row again; or, with ``plan``, carries out a self-training, which has
    one result a round, named ``<name>, supervised`` and ``<name>, round 1`` ...

    Attributes:
        start: Row above this one -> keys of the config that take its last checkpoint,
            of the same seed.
        of: Row whose checkpoint is evaluated; config and changes are that row's, and
            ``changes`` come on top.
    """

    name: str
    config: str = ''
    changes: Sequence[Change] = ()
    start: Mapping[str, Sequence[str]] = field(default_factory=dict)
    of: str = ''
    tta: bool = False
    plan: bool = False

    @property
    def needs(self) -> list[str]:
        """Rows whose checkpoints have to be there first."""
        return [*self.start, *([self.of] if self.of else [])]

    def owns(self, result: str) -> bool:
        """Whether a result is this row's."""
        if not self.plan:
            return result == self.name
        rest = result.removeprefix(f'{self.name}, ')
        return rest != result and bool(re.fullmatch(r'supervised|round \d+', rest))


@dataclass(frozen=True)
class Table:
    """Mean and spread of figures, one line a result.

    Attributes:
        figures: Name of a figure -> heading of its column.
        by_class: ``'iou'`` or ``'pq'`` adds a table with a column a class.
        published: Result -> values of the paper, in the order of ``figures``; None
            leaves one out.
    """

    title: str
    rows: Sequence[str]
    figures: Mapping[str, str]
    by_class: str = ''
    published: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    note: str = ''


@dataclass(frozen=True)
class Differences:
    """Differences between results with the same seeds: (method, baseline) pairs."""

    title: str
    pairs: Sequence[tuple[str, str]]
    figure: str = 'mIoU'


@dataclass(frozen=True)
class Gap:
    """The share of the way from ``lower`` to ``upper`` that other results go."""

    title: str
    lower: str
    upper: str
    rows: Sequence[str]
    figure: str = 'mIoU'


@dataclass(frozen=True)
class Plot:
    """A picture of one figure.

    Attributes:
        kind: ``'curves'`` over the validations, ``'bars'``, or ``'lines'`` with one
            point a result.
        rows: Results of curves and bars; of lines, name of a line -> result -> x.
    """

    title: str
    kind: str
    rows: Sequence[str] | Mapping[str, Mapping[str, float]]
    figure: str = 'mIoU'
    xlabel: str = ''


@dataclass(frozen=True)
class Study:
    """A whole study; its file binds one to the name ``study``.

    Attributes:
        seeds: Every row is carried out once for each.
        rows: Those that others start from come before them.
        changes: Made to the config of every training, before the row's own.
        decimals: Figure -> digits behind the point; 1 for all others.
        name: Stem of its file.
    """

    title: str
    introduction: str
    seeds: Sequence[int]
    rows: Sequence[Row]
    changes: Sequence[Change] = ()
    tables: Sequence[Table] = ()
    differences: Sequence[Differences] = ()
    gaps: Sequence[Gap] = ()
    plots: Sequence[Plot] = ()
    decimals: Mapping[str, int] = field(default_factory=dict)
    name: str = ''

    def __post_init__(self) -> None:
        above: dict[str, Row] = {}
        for row in self.rows:
            for needed in row.needs:
                if needed not in above:
                    raise StudyError(
                        f'row {row.name!r} needs {needed!r}, which is no row above it'
                    )
                if above[needed].of or above[needed].plan:
                    raise StudyError(
                        f'row {row.name!r} needs {needed!r}, which is no training and '
                        'leaves no checkpoint'
                    )
            if row.name in above:
                raise StudyError(f'two rows are called {row.name!r}')
            above[row.name] = row
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise StudyError(f'seeds must be different numbers, got {self.seeds}')
        for result in self._shown():
            self.row_of(result)

    def _shown(self) -> list[str]:
        """The results that tables and plots name."""
        names = [name for table in self.tables for name in table.rows]
        names += [name for table in self.tables for name in table.published]
        names += [x for part in self.differences for pair in part.pairs for x in pair]
        for gap in self.gaps:
            names += [gap.lower, gap.upper, *gap.rows]
        for plot in self.plots:
            lines = plot.rows.values() if plot.kind == 'lines' else [plot.rows]
            names += [name for line in lines for name in line]
        return names

    def row(self, name: str) -> Row:
        """The row of a name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise StudyError(f'{self.name}: there is no row {name!r}')

    def row_of(self, result: str) -> Row:
        """The row that a result is of."""
        for row in self.rows:
            if row.owns(result):
                return row
        raise StudyError(f'{self.name}: no row has the result {result!r}')


def load_study(path: str | Path) -> Study:
    """Execute the file of a study; where it is wrong, the error names it."""
    path = Path(path)
    if not path.is_file():
        raise StudyError(f'there is no study {path}')
    try:
        study = runpy.run_path(str(path)).get('study')
        if not isinstance(study, Study):
            raise StudyError('it must bind a Study to the name `study`')
        return replace(study, name=path.stem)
    except (NameError, SyntaxError, TypeError, ValueError) as error:
        raise StudyError(f'{path}: {error}') from error
