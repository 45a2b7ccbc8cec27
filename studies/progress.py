"""What of a study is done, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studies.one_run import OneRun, last_checkpoint
from studies.records import append_row, read_rows
from studies.row_config import config_hash, row_config
from studies.study import Row, Study, StudyError


@dataclass(frozen=True, eq=False)
class Task:
    """A row with a seed that is to be carried out; keys are (row, seed)."""

    row: Row
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the others."""
        return self.row.name, self.seed

    @property
    def needs(self) -> set[tuple[str, int]]:
        """The keys of those that have to be done first."""
        return {(name, self.seed) for name in self.row.needs}

    def __str__(self) -> str:
        return f'{self.row.name}, seed {self.seed}'


@dataclass
class Runs:
    """A study with its folders and its results.

    Attributes:
        study: The study.
        work_dir: Below it, ``<config>/<hash>-seed<N>`` is the folder of a run, so that
            studies share what they have in common.
        results: File of the lines of results.
        moved: Data root -> folder.
        keep_changed: Whether lines of other configs count.
    """

    study: Study
    work_dir: Path
    results: Path
    moved: Mapping[str, str] = field(default_factory=dict)
    keep_changed: bool = False
    _hashes: dict[str, str] = field(default_factory=dict)

    def hash_of(self, row: Row) -> str:
        """The hash of a row's config, see :func:`config_hash`."""
        if row.name not in self._hashes:
            self._hashes[row.name] = config_hash(self.study, row, self.moved)
        return self._hashes[row.name]

    def folder(self, row: Row, seed: int) -> Path:
        """Where a run keeps its files."""
        source = self.study.row(row.of) if row.of else row
        name = f'{self.hash_of(row)[:12]}-seed{seed}'
        return self.work_dir / Path(source.config).stem / name

    def checkpoint(self, row: Row, seed: int) -> Path | None:
        """The last checkpoint of a finished training; None if there is none."""
        folder = self.folder(row, seed)
        if not (folder / 'trained.json').exists():
            return None
        return last_checkpoint(folder)

    def choose(
        self, seeds: Sequence[int] | None = None, names: Sequence[str] | None = None
    ) -> list[tuple[Row, int]]:
        """Rows and seeds of a call: all of the lowest seed first."""
        for seed in seeds or ():
            if seed not in self.study.seeds:
                raise StudyError(
                    f'--seeds {seed}: {self.study.name} has {[*self.study.seeds]}'
                )
        chosen = [self.study.row(name) for name in names or ()] or self.study.rows
        return [(row, seed) for seed in seeds or self.study.seeds for row in chosen]

    def state(self, row: Row, seed: int, rows: Sequence[dict]) -> str:
        """``'done'``, ``'changed'``, ``'cut'`` or ``'missing'``, by lines of results."""
        own = [
            line for line in rows if line['seed'] == seed and row.owns(line['method'])
        ]
        present = {
            line['method']
            for line in own
            if self.keep_changed or line['config_hash'] == self.hash_of(row)
        }
        if present >= set(self.expected(row)):
            return 'done'
        folder = self.folder(row, seed)
        if (folder / 'last_checkpoint').exists() or (folder / 'state.json').exists():
            return 'cut'
        return 'changed' if own else 'missing'

    def expected(self, row: Row) -> list[str]:
        """The results of a row."""
        if not row.plan:
            return [row.name]
        cfg = row_config(self.study, row)
        names = [f'{row.name}, round {i + 1}' for i in range(len(cfg.rounds))]
        # A teacher that is given has been evaluated where it was trained.
        given = cfg.teacher.get('checkpoint') is not None
        given |= any('teacher.checkpoint' in keys for keys in row.start.values())
        return names if given else [f'{row.name}, supervised', *names]

    def tasks(self, chosen: Sequence[tuple[Row, int]]) -> list[Task]:
        """What is to be carried out, those that others need before them."""
        rows = read_rows(self.results)
        tasks: dict[tuple[str, int], Task] = {}

        def add(row: Row, seed: int) -> None:
            for name in row.needs:
                needed = self.study.row(name)
                if self.checkpoint(needed, seed) is None:
                    add(needed, seed)
            tasks[row.name, seed] = Task(row, seed)

        for row, seed in chosen:
            if self.state(row, seed, rows) != 'done':
                add(row, seed)
        return list(tasks.values())

    def overview(self, chosen: Sequence[tuple[Row, int]]) -> str:
        """The state of rows and seeds, as a table."""
        import pandas as pd

        rows = read_rows(self.results)
        table: dict[str, dict[str, str]] = {}
        for row, seed in chosen:
            state = self.state(row, seed, rows)
            table.setdefault(row.name, {})[f'seed {seed}'] = state
        for name, cells in table.items():
            row = self.study.row(name)
            minutes = [r['minutes'] for r in rows if row.owns(r['method'])]
            cells['minutes'] = f'{sum(minutes) / len(minutes):.0f}' if minutes else '?'
        frame = pd.DataFrame.from_dict(table, orient='index')
        return f'{frame.to_string()}\n\n{len(self.tasks(chosen))} runs to do'

    def reuse(self, chosen: Sequence[tuple[Row, int]]) -> None:
        """Copy lines that another study has of the same config and seed."""
        others = {
            (line['config_hash'], line['seed']): dict(line, taken_from=file.stem)
            for file in sorted(self.results.parent.glob('*.jsonl'))
            if file != self.results
            for line in read_rows(file)
            if 'config_hash' in line
        }
        rows = read_rows(self.results)
        for row, seed in chosen:
            found = others.get((self.hash_of(row), seed))
            if found and not row.plan and self.state(row, seed, rows) != 'done':
                append_row(self.results, dict(found, run=row.name, method=row.name))

    def carry_out(self, row: Row, seed: int, origin: Mapping) -> None:
        """Do what is missing of a row with a seed, in this process.

        ``origin`` is that of :func:`studies.records.provenance`.
        """
        present = {
            line['method']
            for line in read_rows(self.results)
            if (line['seed'], line['config_hash']) == (seed, self.hash_of(row))
        }
        missing = [name for name in self.expected(row) if name not in present]
        starts = {name: self._needed(name, row, seed) for name in row.needs}
        folder = self.folder(row, seed)
        run = OneRun(self.study, row, seed, folder, starts, self.moved)
        for name, figures in run.carry_out(missing):
            line = dict(
                run=row.name,
                method=name,
                seed=seed,
                **figures,
                config=self.study.row(row.of or row.name).config,
                config_hash=self.hash_of(row),
                **origin,
            )
            append_row(self.results, line)

    def _needed(self, name: str, row: Row, seed: int) -> Path:
        checkpoint = self.checkpoint(self.study.row(name), seed)
        if checkpoint is None:
            raise StudyError(
                f'{row.name} needs the checkpoint of {name} with seed {seed}, which has '
                'not been trained to its end with the present config'
            )
        return checkpoint
