"""From the file of an experiment to a checked definition."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config
from segda_mm.self_training import PlanError, parse_plan

from .definition import (
    KINDS,
    PLOTS,
    Comparison,
    Experiment,
    Gap,
    Plot,
    Run,
    Selection,
    SelectionRule,
    StartFrom,
    Table,
)
from .experiment_error import ExperimentError
from .placeholders import check_placeholders
from .run_folder import slug

#: What placeholders in texts part names by.
_SEPARATORS = (' - ', ';', '>>')

_TYPES = {str: 'text', dict: 'dict', list: 'list', bool: 'bool', int: 'whole number'}


def read_experiment(path: str | Path) -> Experiment:
    """Read the file of an experiment and check all that can be without results.

    Args:
        path: A config file in Python; it is executed. Names that begin with ``_``
            are its own.

    Raises:
        ExperimentError: naming the file, the key, and what is wrong with it.
    """
    path = Path(path)
    if not path.is_file():
        raise ExperimentError(f'there is no experiment {path}')
    try:
        content = Config.fromfile(path, lazy_import=False).to_dict()
    except (FileNotFoundError, ImportError, NameError, SyntaxError) as error:
        raise ExperimentError(
            f'the experiment {path} cannot be read: {type(error).__name__}: {error}'
        ) from error
    content = {key: value for key, value in content.items() if key[0] != '_'}
    try:
        return _experiment(path, content)
    except ExperimentError as error:
        raise ExperimentError(f'{path}: {error}') from error


def _experiment(path: Path, content: dict) -> Experiment:
    entries = _entries(Experiment, content, '', left_out={'path', 'results'})
    _require_kind(entries['title'], str, 'title')
    for key in ('introduction', 'discussion'):
        _require_kind(entries.get(key, ''), str, key)
    entries['seeds'] = _seeds(entries['seeds'])
    if entries.get('selection', 'last') != 'last':
        raise ExperimentError(
            f'selection={entries["selection"]!r}: the last checkpoint of a run is '
            "evaluated, so that it must be 'last'; name other rules under `rules`"
        )
    for key in ('common_options', 'decimals'):
        _require_kind(entries.get(key, {}), dict, key)
    runs = entries['runs'] = _runs(entries['runs'])
    experiment = Experiment(path=path, results={}, **entries)
    results = {name: _results_of(experiment, run) for name, run in runs.items()}
    experiment = replace(experiment, results=results)
    _refuse_doubles(experiment.all_results, 'runs', 'a result')
    known = set(experiment.all_results)
    trainings = {name for name, run in runs.items() if run.kind == 'training'}
    tables = [_table(*item, known) for item in _listed(entries, 'tables')]
    pairs = _listed(entries, 'comparisons')
    comparisons = [_comparison(*item, known) for item in pairs]
    gaps = [_gap(*item, known) for item in _listed(entries, 'gaps')]
    plots = [_plot(*item, known, trainings) for item in _listed(entries, 'plots')]
    rules = entries.get('rules')
    if rules is not None:
        rules = _selection(rules, 'rules', trainings)
    parts = [*tables, *comparisons, *gaps, *plots, *([rules] if rules else [])]
    _refuse_doubles([part.name for part in parts], 'name', 'a table or plot')
    texts = {f'the note of {part.name}': part.note for part in parts}
    texts['introduction'] = experiment.introduction
    texts['discussion'] = experiment.discussion
    for key, text in texts.items():
        check_placeholders(text, known, key)
    return replace(
        experiment,
        tables=tables,
        comparisons=comparisons,
        gaps=gaps,
        plots=plots,
        rules=rules,
    )


def _seeds(seeds: Any) -> list[int]:
    _require_kind(seeds, list, 'seeds')
    for index, seed in enumerate(seeds):
        _require_kind(seed, int, f'seeds.{index}')
    if not seeds:
        raise ExperimentError('seeds is empty; give one number for each repetition')
    _refuse_doubles([str(seed) for seed in seeds], 'seeds', 'a seed')
    return sorted(seeds)


def _runs(content: Any) -> dict[str, Run]:
    _require_kind(content, dict, 'runs')
    if not content:
        raise ExperimentError('runs is empty; name at least one run')
    runs = {name: _run(name, entry) for name, entry in content.items()}
    folders: dict[str, str] = {}
    for name, run in runs.items():
        other = folders.setdefault(slug(name), name)
        if other != name:
            raise ExperimentError(
                f'runs.{name} and runs.{other} would share the folder {slug(name)}; '
                'rename one of them'
            )
        for needed in run.needs:
            key = 'of' if needed == run.of else 'start_from.run'
            _require_training(runs, f'runs.{name}.{key}', needed)
    for name in runs:
        _refuse_cycle(runs, [name])
    return runs


def _run(name: Any, entry: Any) -> Run:
    key = f'runs.{name}'
    if not isinstance(name, str) or not slug(name).strip('-'):
        raise ExperimentError(f'{key}: the name of a run must have letters or digits')
    for separator in _SEPARATORS:
        if separator in name:
            raise ExperimentError(
                f'{key}: a name must not have {separator!r} in it, by which texts '
                'tell one name from the next'
            )
    entries = _entries(Run, entry, key, left_out={'name'})
    kind = entries.get('kind', 'training')
    if kind not in KINDS:
        raise ExperimentError(
            f'{key}.kind={kind!r} must be one of {", ".join(map(repr, KINDS))}'
        )
    for part in entries:
        if part != 'kind' and part not in KINDS[kind]:
            raise ExperimentError(f'{key}.{part}: a run of kind {kind!r} has no {part}')
    if 'config' in KINDS[kind]:
        _require(entries, 'config', str, key)
        if not Path(entries['config']).is_file():
            raise ExperimentError(
                f'{key}.config names {entries["config"]}, which does not exist'
            )
    if kind == 'evaluation':
        _require(entries, 'of', str, key)
    if kind == 'measurement':
        _require(entries, 'command', list, key)
        if not entries['command'] or not Path(str(entries['command'][0])).is_file():
            raise ExperimentError(
                f'{key}.command must begin with the path of a program in Python'
            )
        entries['command'] = [str(word) for word in entries['command']]
    _require_kind(entries.get('options', {}), dict, f'{key}.options')
    _require_kind(entries.get('tta', False), bool, f'{key}.tta')
    _require_kind(entries.get('minutes', 0), float, f'{key}.minutes')
    if 'start_from' in entries:
        entries['start_from'] = _starts(entries['start_from'], f'{key}.start_from')
    return Run(name=name, **entries)


def _starts(content: Any, key: str) -> list[StartFrom]:
    if isinstance(content, Mapping):
        return [_start(content, key)]
    _require_kind(content, list, key)
    return [_start(entry, f'{key}.{index}') for index, entry in enumerate(content)]


def _start(entry: Any, key: str) -> StartFrom:
    parts = _entries(StartFrom, entry, key)
    _require_kind(parts['keys'], list, f'{key}.keys')
    if not parts['keys']:
        raise ExperimentError(
            f'{key}.keys is empty; name the keys of the config that take the checkpoint'
        )
    return StartFrom(**parts)


def _require_training(runs: Mapping[str, Run], key: str, name: Any) -> None:
    if name not in runs:
        raise ExperimentError(
            f'{key} names {name!r}, which is no run{_near(name, runs)}'
        )
    if runs[name].kind != 'training':
        raise ExperimentError(
            f'{key} names {name!r}, which is of kind {runs[name].kind!r}; only a '
            'training leaves the checkpoint that is needed'
        )


def _refuse_cycle(runs: Mapping[str, Run], way: list[str]) -> None:
    for needed in runs[way[-1]].needs:
        if needed in way:
            circle = ' <- '.join([*way[way.index(needed) :], needed])
            raise ExperimentError(
                f'runs.{needed}.start_from: runs start from each other: {circle}'
            )
        _refuse_cycle(runs, [*way, needed])


def _results_of(experiment: Experiment, run: Run) -> list[str]:
    if run.kind != 'plan':
        return [run.name]
    try:
        cfg = load_config(run.config, experiment.options_of(run))
        plan = parse_plan(cfg.to_dict())
    except (PlanError, PreflightError) as error:
        raise ExperimentError(f'runs.{run.name}: {error}') from error
    keys = [key for start in run.start_from for key in start.keys]
    # A teacher that is given has been evaluated where it was trained.
    given = plan.teacher.checkpoint is not None or 'teacher.checkpoint' in keys
    rounds = range(1 if given else 0, len(plan.rounds) + 1)
    return [round_name(run.name, number) for number in rounds]


def round_name(run: str, number: int) -> str:
    """What the result of a round of a plan is called; round 0 is its teacher."""
    return f'{run}, round {number}' if number else f'{run}, supervised'


def _listed(entries: Mapping, key: str) -> list[tuple[Any, str]]:
    _require_kind(entries.get(key, []), list, key)
    return [(entry, f'{key}.{i}') for i, entry in enumerate(entries.get(key, []))]


def _table(entry: Any, key: str, known: set[str]) -> Table:
    table = Table(**_named(Table, entry, key))
    _require_results(table.runs, f'{key}.runs', known)
    _require_kind(table.figures, dict, f'{key}.figures')
    if table.per_class not in (None, 'iou', 'pq', 'ap'):
        raise ExperimentError(
            f"{key}.per_class={table.per_class!r} must be 'iou', 'pq' or 'ap'"
        )
    _require_kind(table.published, dict, f'{key}.published')
    _require_results(table.published, f'{key}.published', set(table.runs))
    for name, figures in table.published.items():
        _require_kind(figures, dict, f'{key}.published.{name}')
        for figure in figures:
            if figure not in table.figures:
                raise ExperimentError(
                    f'{key}.published.{name}.{figure} is no column of the table; add '
                    f'it to {key}.figures'
                )
    return table


def _comparison(entry: Any, key: str, known: set[str]) -> Comparison:
    comparison = Comparison(**_named(Comparison, entry, key))
    _require_kind(comparison.pairs, list, f'{key}.pairs')
    for index, pair in enumerate(comparison.pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ExperimentError(
                f'{key}.pairs.{index} must be (method, baseline), but is {pair!r}'
            )
        _require_results(pair, f'{key}.pairs.{index}', known)
    return comparison


def _gap(entry: Any, key: str, known: set[str]) -> Gap:
    gap = Gap(**_named(Gap, entry, key))
    _require_results(gap.runs, f'{key}.runs', known)
    _require_results([gap.lower], f'{key}.lower', known)
    _require_results([gap.upper], f'{key}.upper', known)
    return gap


def _plot(entry: Any, key: str, known: set[str], trainings: set[str]) -> Plot:
    plot = Plot(**_named(Plot, entry, key))
    # Of others there are no validations.
    known = trainings if plot.kind == 'curves' else known
    if plot.kind not in PLOTS:
        raise ExperimentError(
            f'{key}.kind={plot.kind!r} must be one of {", ".join(map(repr, PLOTS))}'
        )
    used = 'lines' if plot.kind == 'lines' else 'runs'
    _require_kind(plot.lines, dict, f'{key}.lines')
    for name, points in plot.lines.items():
        _require_kind(points, dict, f'{key}.lines.{name}')
        _require_results(points, f'{key}.lines.{name}', known)
    _require_kind(plot.published, dict, f'{key}.published')
    _require_results(plot.runs, f'{key}.runs', known)
    _require_results(plot.published, f'{key}.published', set(plot.runs))
    if not getattr(plot, used):
        raise ExperimentError(f'{key}.{used} is empty; there is nothing to draw')
    return plot


def _selection(entry: Any, key: str, trainings: set[str]) -> Selection:
    entries = _named(Selection, entry, key)
    _require_results(entries['runs'], f'{key}.runs', trainings)
    _require_kind(entries['rules'], dict, f'{key}.rules')
    rules = {}
    for title, rule in entries['rules'].items():
        where = f'{key}.rules.{title}'
        rules[title] = SelectionRule(**_entries(SelectionRule, rule, where))
        if rules[title].rule not in ('less', 'greater'):
            raise ExperimentError(
                f"{where}.rule={rules[title].rule!r} must be 'less' or 'greater'"
            )
    return Selection(**{**entries, 'rules': rules})


def _named(kind: type, entry: Any, key: str) -> dict[str, Any]:
    entries = _entries(kind, entry, key)
    for name in ('name', 'title', 'figure', 'note'):
        if name in entries:
            _require_kind(entries[name], str, f'{key}.{name}')
    if not re.fullmatch(r'[\w-]+', entries['name']):
        raise ExperimentError(
            f'{key}.name={entries["name"]!r} becomes part of a file name; use letters, '
            'digits, - and _ only'
        )
    return entries


def _require_results(names: Any, key: str, known: set[str]) -> None:
    if not isinstance(names, list | tuple | dict):
        raise ExperimentError(f'{key} must be a list of names, but is {names!r}')
    for name in names:
        if name not in known:
            raise ExperimentError(
                f'{key} names {name!r}, which is no result of a '
                f'run that can stand here{_near(name, known)}'
            )


def _refuse_doubles(names: Iterable[str], key: str, what: str) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise ExperimentError(f'{key}: {name!r} names {what} twice')
        seen.add(name)


def _entries(
    kind: type, entry: Any, key: str, left_out: set[str] = frozenset()
) -> dict[str, Any]:
    """The entries of a part of the file, none of them unknown or missing."""
    _require_kind(entry, dict, key)
    prefix = f'{key}.' if key else ''
    known = {
        part.name: part
        for part in fields(kind)
        if part.init and part.name not in left_out
    }
    for name in entry:
        if name not in known:
            raise ExperimentError(
                f'{prefix}{name} is no key of an experiment{_near(name, known)}; here '
                f'there are {", ".join(known)}'
            )
    for name, part in known.items():
        required = part.default is MISSING and part.default_factory is MISSING
        if required and name not in entry:
            raise ExperimentError(f'{prefix}{name} is missing')
    return dict(entry)


def _near(name: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f' (did you mean {close[0]!r}?)' if close else ''


def _require(entries: Mapping, name: str, kind: type, key: str) -> None:
    if name not in entries:
        raise ExperimentError(f'{key}.{name} is missing')
    _require_kind(entries[name], kind, f'{key}.{name}')


def _require_kind(value: Any, kind: type, key: str) -> None:
    accepted = {list: (list, tuple), float: (int, float)}.get(kind, kind)
    wrong_bool = isinstance(value, bool) and kind is not bool
    if not isinstance(value, accepted) or wrong_bool:
        raise ExperimentError(
            f'{key or "the experiment"} must be a {_TYPES.get(kind, "number")}, but is '
            f'{value!r}'
        )
