"""What a file of an experiment says: runs, seeds, and what is made of them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from segda_mm.apis.config import read_config

#: Kinds of runs, and the keys of an entry that each of them has.
KINDS = {
    'training': {'config', 'options', 'start_from', 'minutes'},
    'evaluation': {'of', 'options', 'tta', 'minutes'},
    'plan': {'config', 'options', 'start_from', 'minutes'},
    'measurement': {'command', 'minutes'},
}

#: Kinds of plots.
PLOTS = ('curves', 'bars', 'lines')


@dataclass(frozen=True)
class StartFrom:
    """The run whose last checkpoint, of the same seed, another one starts from.

    Attributes:
        run: Its name.
        keys: Dotted keys of the config that take the path of the checkpoint.
    """

    run: str
    keys: list[str]


@dataclass(frozen=True)
class Run:
    """One way to get results, carried out once for every seed.

    Attributes:
        name: The key of its entry.
        kind: One of :data:`KINDS`. A ``'training'`` trains and evaluates its last
            checkpoint, an ``'evaluation'`` evaluates that of another run again,
            a ``'plan'`` is a self-training with one result a round, and a
            ``'measurement'`` a program without seeds whose last line is a JSON
            object of figures.
        config: Of a training or a plan.
        options: Dotted keys -> values, merged into the config.
        start_from: What a training or a plan starts from; none, one or several.
        of: The training that an evaluation evaluates.
        tta: Whether over the scales and flips of its config.
        command: Of a measurement: a program of Python and its arguments.
        minutes: What it may take, until a first result tells.
    """

    name: str
    kind: str = 'training'
    config: str | None = None
    options: dict = field(default_factory=dict)
    start_from: list[StartFrom] = field(default_factory=list)
    of: str | None = None
    tta: bool = False
    command: list[str] = field(default_factory=list)
    minutes: float | None = None

    @property
    def needs(self) -> list[str]:
        """Names of the runs whose checkpoints have to be there first."""
        starts = [start.run for start in self.start_from]
        return starts if self.of is None else [*starts, self.of]


@dataclass(frozen=True)
class Table:
    """Mean and spread of figures, one line a result.

    Attributes:
        name: Part of the name of its CSV file.
        title: Its heading.
        runs: Names of results.
        figures: Name of a figure -> heading of its column.
        per_class: ``'iou'``, ``'pq'`` or ``'ap'`` adds a column a class.
        published: Result -> figure -> value that a paper gives.
        note: Text below it.
    """

    name: str
    title: str
    runs: list[str]
    figures: dict[str, str]
    per_class: str | None = None
    published: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ''


@dataclass(frozen=True)
class Comparison:
    """Differences between results with the same seeds.

    Attributes:
        name: Of the table.
        title: Its heading.
        figure: What is compared.
        pairs: A method and its baseline each.
        note: Text below it.
    """

    name: str
    title: str
    figure: str
    pairs: list[tuple[str, str]]
    note: str = ''


@dataclass(frozen=True)
class Gap:
    """The share of the way from one result to another that others go.

    Attributes:
        name: Of the table.
        title: Its heading.
        figure: What is compared.
        lower: The result at 0 %.
        upper: The result at 100 %.
        runs: The others.
        note: Text below it.
    """

    name: str
    title: str
    figure: str
    lower: str
    upper: str
    runs: list[str]
    note: str = ''


@dataclass(frozen=True)
class Plot:
    """A picture of one figure.

    Attributes:
        name: Part of the name of its file.
        title: Its heading.
        kind: ``'curves'`` over the epochs of every validation, ``'bars'``, or
            ``'lines'`` with one point a result.
        figure: What is drawn.
        runs: Names of results, of curves and bars.
        lines: Name of a line -> name of a result -> where its point is.
        xlabel: Of lines.
        published: Result -> value that a paper gives, of bars.
        note: Text below it.
    """

    name: str
    title: str
    kind: str
    figure: str
    runs: list[str] = field(default_factory=list)
    lines: dict[str, dict[str, float]] = field(default_factory=dict)
    xlabel: str = ''
    published: dict[str, float] = field(default_factory=dict)
    note: str = ''


@dataclass(frozen=True)
class SelectionRule:
    """A figure of the validations by which a checkpoint can be chosen.

    Attributes:
        figure: Its name.
        rule: ``'less'`` or ``'greater'``: which values are better.
    """

    figure: str
    rule: str


@dataclass(frozen=True)
class Selection:
    """What rules to choose a checkpoint would have led to.

    Attributes:
        name: Of the table.
        figure: What is judged by.
        runs: Trainings whose validations are looked at.
        rules: Title -> rule.
        title: Its heading.
        note: Text below it.
    """

    name: str
    figure: str
    runs: list[str]
    rules: dict[str, SelectionRule]
    title: str = 'Choosing a checkpoint'
    note: str = ''


@dataclass(frozen=True)
class Experiment:
    """A whole experiment.

    Attributes:
        path: Its file.
        title: Heading of its page.
        seeds: Every run but a measurement is carried out once for each.
        runs: Name -> run.
        results: Name of a run -> names of its results, which tables and plots
            go by: the run's own, or one a round of a plan.
        introduction: Markdown at the head of its page.
        selection: The rule that chooses the checkpoint to evaluate. The only one
            is ``'last'``; what others would choose, ``rules`` shows.
        common_options: Merged into the config of every training.
        decimals: Name of a figure -> digits behind the point; 1 for all others.
        tables: Of the page.
        comparisons: Of the page.
        gaps: Of the page.
        plots: Of the page.
        rules: Of the page.
        discussion: Markdown at its end.
    """

    path: Path
    title: str
    seeds: list[int]
    runs: dict[str, Run]
    results: dict[str, list[str]]
    introduction: str = ''
    selection: str = 'last'
    common_options: dict = field(default_factory=dict)
    decimals: dict[str, int] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    rules: Selection | None = None
    discussion: str = ''
    _executed: dict[str, Config] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def stem(self) -> str:
        """Its name in folders, files and lines of results."""
        return self.path.stem

    @property
    def all_results(self) -> list[str]:
        """The names of all results, in the order of the runs."""
        return [name for names in self.results.values() for name in names]

    def seeds_of(self, run: Run) -> list[int] | list[None]:
        """The seeds of a run; a measurement has [None]."""
        return [None] if run.kind == 'measurement' else self.seeds

    def run_of(self, result: str) -> Run:
        """The run that a result is of."""
        (name,) = (run for run, results in self.results.items() if result in results)
        return self.runs[name]

    def config_of(self, run: Run) -> Config:
        """The config of a run as its file has it, to be changed by the caller.

        Many runs have the same file, and it takes long to execute: it is once.

        Raises:
            PreflightError: see :func:`segda_mm.apis.config.read_config`.
        """
        if run.config not in self._executed:
            self._executed[run.config] = read_config(run.config)
        return deepcopy(self._executed[run.config])

    def options_of(self, run: Run) -> dict:
        """What is merged into the config of a run, common options included."""
        if run.kind == 'evaluation':
            return {**self.options_of(self.runs[run.of]), **run.options}
        common = self.common_options if run.kind == 'training' else {}
        return {**common, **run.options}
