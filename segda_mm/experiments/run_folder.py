"""The folder of one run and seed: what is done there, and its checkpoints."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

from segda_mm.apis.evaluating import split_figures
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.files import write_json

#: Entries of a logged line that are no figures.
_NO_FIGURES = ('step', 'time', 'data_time')


def slug(name: str) -> str:
    """A name of a run as that of a folder: letters, digits and ``-``."""
    return re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')


class RunFolder:
    """Where a run keeps its files, and how far it is.

    ``run.json`` there says for which config it was begun, whether its training is
    over, and how long it took.

    Args:
        path: Its folder, that need not exist.
        config_hash: Of the config that it is for now. What was done with another
            one counts as not done.
    """

    def __init__(self, path: Path, config_hash: str) -> None:
        self.path = path
        self.config_hash = config_hash
        self._file = path / 'run.json'

    @property
    def output(self) -> Path:
        """The text that the run prints."""
        return self.path / 'output.txt'

    @property
    def minutes(self) -> float | None:
        """Wall-clock minutes of the training; None before its end.

        Those of a call that was killed count up to its last checkpoint, from
        which the next one went on.
        """
        state = self._state()
        return state['minutes'] if state.get('trained') else None

    def is_cut(self) -> bool:
        """Whether a training was begun here, and can go on."""
        state = self._state()
        return bool(state) and not state['trained'] and self._checkpoint() is not None

    def last_checkpoint(self) -> Path | None:
        """The checkpoint that a finished training left; None if there is none."""
        return self._checkpoint() if self._state().get('trained') else None

    def prepare(self) -> None:
        """Make the folder; one that another config was begun in is set aside.

        It is renamed after that config, so that nothing in it is lost.
        """
        found = self._read()
        if self.path.exists() and found.get('config_hash') != self.config_hash:
            name = f'{self.path.name}-{found.get("config_hash", "unknown")[:8]}'
            aside, count = self.path.with_name(name), 1
            while aside.exists():
                count += 1
                aside = self.path.with_name(f'{name}-{count}')
            self.path.rename(aside)
        if not self.path.exists():
            self.path.mkdir(parents=True)
            self._write(trained=False, minutes=0.0, begun=None)

    def begin(self, progress: str) -> None:
        """Note that a training begins, or goes on.

        Args:
            progress: Name of the file in the folder that the training renews
                whenever it could go on from there.
        """
        state = self._state()
        file = self.path / progress
        if state['begun'] is not None and file.exists():
            gone_on = file.stat().st_mtime - state['begun']
            state['minutes'] += max(gone_on, 0) / 60
        self._write(**{**state, 'begun': time.time()})

    def finish(self) -> None:
        """Note that the training is over."""
        state = self._state()
        state['minutes'] += (time.time() - state['begun']) / 60
        self._write(**{**state, 'begun': None, 'trained': True})

    def validations(self) -> list[dict]:
        """The figures of every validation, in the order of the epochs.

        A run that was resumed has a folder of logs for each call; of an epoch that
        was trained twice, the later one counts.

        Returns:
            ``epoch`` and the figures, without those of single classes; None for
            one that is undefined.
        """
        found = {}
        for entry in self._logged():
            if 'mIoU' not in entry or 'step' not in entry:
                continue
            figures = {
                name: value
                for name, value in entry.items()
                # A point parts a figure from the class that it is of.
                if name not in _NO_FIGURES and '.' not in name
            }
            found[entry['step']] = split_figures(figures)['metrics']
        return [dict(epoch=step, **found[step]) for step in sorted(found)]

    def end_of_training(self) -> dict[str, float | None]:
        """Losses and health figures as the training logged them last.

        Returns:
            Their names in the log, as ``discriminator.loss``; None for one that is
            not finite.
        """
        last = {}
        for entry in self._logged():
            if 'loss' in entry:
                last = entry
        return {
            name: value if math.isfinite(value) else None
            for name, value in last.items()
            if name not in (*_NO_FIGURES, 'epoch', 'iter')
        }

    def drop_spare_checkpoints(self) -> None:
        """Keep the last checkpoint of every training in the folder only."""
        for pointer in self.path.rglob('last_checkpoint'):
            last = find_resumable_checkpoint(str(pointer.parent))
            for file in pointer.parent.glob('*.pth'):
                if file != Path(last):
                    file.unlink()

    def _logged(self) -> Iterator[dict]:
        # Named after the time of the start.
        for file in sorted(self.path.glob('*/vis_data/scalars.json')):
            for line in file.read_text(encoding='utf-8').splitlines():
                yield json.loads(line)

    def _checkpoint(self) -> Path | None:
        found = find_resumable_checkpoint(str(self.path))
        return None if found is None else Path(found)

    def _state(self) -> dict:
        """What is known of a run with this config."""
        state = self._read()
        return state if state.get('config_hash') == self.config_hash else {}

    def _read(self) -> dict:
        if not self._file.is_file():
            return {}
        return json.loads(self._file.read_text(encoding='utf-8'))

    def _write(self, **state) -> None:
        write_json(self._file, {**state, 'config_hash': self.config_hash})
