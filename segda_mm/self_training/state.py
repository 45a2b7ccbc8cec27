"""What of a self-training is done, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from segda_mm.errors import PlanError
from segda_mm.files import write_json
from segda_mm.labeling import Processes


class StateFile:
    """The stages that were begun and finished, in a JSON file that is never half.

    Of every stage it holds the settings under dotted keys, whether it is finished, and
    its result. All processes of a run have one; the first of them writes.

    Args:
        path: The file. Where there is none, nothing is done yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.stages: dict[str, dict] = {}
        self._processes = Processes()
        self._read()

    def check(self, stage: str, settings: Mapping[str, Any]) -> None:
        """See that a stage was not begun with other :func:`flat_settings`.

        Raises:
            PlanError: Naming the stage, the first key that differs, and both values.
        """
        if stage not in self.stages:
            return
        begun = self.stages[stage]['settings']
        for key in [*begun, *settings]:
            if begun.get(key) != settings.get(key):
                done = 'finished' if self.is_finished(stage) else 'begun'
                raise PlanError(
                    f'stage {stage} in {self.path.parent} was {done} with {key} = '
                    f'{_brief(begun.get(key))}, but the plan now says '
                    f'{_brief(settings.get(key))}. Restore it, take another '
                    '--work-dir, or do this stage and those after it again with '
                    f'--redo-from {stage}'
                )

    def is_finished(self, stage: str) -> bool:
        """Whether a stage is done."""
        return self.stages.get(stage, {}).get('finished', False)

    def result(self, stage: str) -> dict[str, Any]:
        """What a finished stage left."""
        return self.stages[stage]['result']

    def begin(self, stage: str, settings: Mapping[str, Any]) -> None:
        """Note the settings of a stage before anything of it is done."""
        begun = dict(finished=False, settings=dict(settings))
        self._replace({**self.stages, stage: begun})

    def finish(self, stage: str, result: Mapping[str, Any]) -> None:
        """Note that a stage is done, and its result in types that JSON knows."""
        finished = dict(self.stages[stage], finished=True, result=_plain(result))
        self._replace({**self.stages, stage: finished})

    def forget(self, stages: Collection[str]) -> None:
        """Take stages for not even begun."""
        rest = {name: s for name, s in self.stages.items() if name not in stages}
        self._replace(rest)

    def _replace(self, stages: dict[str, dict]) -> None:
        # Nobody goes on before all processes are at this point.
        self._processes.wait()
        self._processes.from_main(write_json, self.path, dict(stages=stages))
        self._read()

    def _read(self) -> None:
        if self.path.is_file():
            self.stages = json.loads(self.path.read_text(encoding='utf-8'))['stages']


def flat_settings(settings: Mapping[str, Any], work_dir: str) -> dict[str, Any]:
    """Settings under dotted keys, in types of JSON, as ``{'train_cfg.max_epochs': 5}``.

    Args:
        settings: Nested dictionaries and lists.
        work_dir: Folder that paths are made relative to, so that it may move.
    """
    flat = {}
    root = work_dir.rstrip('/')

    def walk(node: Any, key: str) -> None:
        if isinstance(node, list | tuple) and any(
            isinstance(child, Mapping | list | tuple) for child in node
        ):
            node = dict(enumerate(node))
        if isinstance(node, Mapping) and node:
            for name, child in node.items():
                walk(child, f'{key}.{name}' if key else str(name))
            return
        value = _plain(node)
        if isinstance(value, str) and value.startswith(f'{root}/'):
            value = f'<work dir>{value[len(root) :]}'
        flat[key] = value

    walk(settings, '')
    return flat


def _plain(value: Any) -> Any:
    # Tuples become lists here as they do in the file.
    return json.loads(json.dumps(value, default=str))


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + '...'
