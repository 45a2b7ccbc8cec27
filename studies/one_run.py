"""One row of a study with one seed: trained, resumed and evaluated."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from segda_mm.apis import self_train, test, train
from studies.recheck import check_predictions
from studies.row_config import row_config
from studies.study import Row, Study

#: Parts of a report on an evaluation that become entries of a line.
_FIGURES = ('metrics', 'per_class_iou', 'per_class_pq', 'per_class_ap', 'num_images')
#: Entries of a logged line that are no figures.
_NO_FIGURES = ('step', 'time', 'data_time', 'epoch', 'iter')

#: Names of results with the figures of each.
Results = Iterator[tuple[str, dict]]


@dataclass(frozen=True)
class OneRun:
    """A row with a seed.

    Attributes:
        folder: Of its files; ``trained.json`` says that a training is over.
        starts: Row that it needs -> checkpoint.
        moved: Data root -> folder.
    """

    study: Study
    row: Row
    seed: int
    folder: Path
    starts: Mapping[str, Path] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    def carry_out(self, missing: Sequence[str]) -> Results:
        """Go on from where it was cut; yield each result that is missing.

        Where none is, the checkpoint alone is wanted.
        """
        begin = time.perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.row.plan:
            results = self._self_train()
        elif self.row.of:
            results = self._evaluate(self.starts[self.row.of])
        else:
            results = self._train(evaluated=not missing)
        for name, figures in results:
            if name in missing:
                minutes = (time.perf_counter() - begin) / 60
                yield name, dict(figures, minutes=round(minutes, 2))
        for pointer in self.folder.rglob('last_checkpoint'):
            for file in pointer.parent.glob('*.pth'):
                if file != last_checkpoint(pointer.parent):
                    file.unlink()

    def _config(self, starts: Mapping[str, Path]) -> Config:
        return row_config(
            self.study, self.row, self.folder, self.seed, starts, self.moved
        )

    def _train(self, evaluated: bool) -> Results:
        trained = self.folder / 'trained.json'
        if not trained.exists():
            begin = time.perf_counter()
            resumed = last_checkpoint(self.folder) is not None
            train(self._config(self.starts), resume='auto' if resumed else None)
            # Of what was trained before a cut, nobody knows the time.
            minutes = None
            if not resumed:
                minutes = round((time.perf_counter() - begin) / 60, 2)
            trained.write_text(json.dumps(dict(minutes=minutes)))
        if not evaluated:
            ((name, figures),) = self._evaluate(last_checkpoint(self.folder))
            logged = [*_logged(self.folder)]
            figures.update(
                validations=validations(logged),
                training=end_of_training(logged),
                train_minutes=json.loads(trained.read_text())['minutes'],
            )
            yield name, figures

    def _evaluate(self, checkpoint: Path) -> Results:
        # Without those, which a runner would load over the weights to evaluate.
        cfg = self._config(starts={})
        dataset = cfg.test_dataloader.dataset.to_dict()
        evaluators = cfg.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        # Predictions of panoptic networks are other files.
        semantic = all(part['type'] != 'PanopticMetric' for part in evaluators)
        predictions = self.folder / 'predictions' if semantic else None
        report = test(cfg, checkpoint, tta=self.row.tta, out=predictions)
        figures = {key: report[key] for key in _FIGURES if key in report}
        if semantic:
            figures['checks'] = check_predictions(predictions, dataset, report)
            shutil.rmtree(predictions)
        yield self.row.name, figures

    def _self_train(self) -> Results:
        report = self_train(self._config(self.starts))
        for entry in report['rounds']:
            number = entry['round']
            labels = {
                made['set']: dict(labeled=made['labeled'], quality=made['quality'])
                for made in report['labels']
                if made['round'] == number
            }
            figures = {key: entry[key] for key in _FIGURES if key in entry}
            end = f'round {number}' if number else 'supervised'
            yield f'{self.row.name}, {end}', dict(figures, labels=labels)


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that a folder's pointer names, wherever the folder lies."""
    pointer = folder / 'last_checkpoint'
    if not pointer.exists():
        return None
    found = folder / Path(pointer.read_text().strip()).name
    return found if found.exists() else None


def validations(logged: Sequence[Mapping]) -> list[dict]:
    """The figures of every validation, in the order of the epochs.

    Of an epoch that was trained twice, the later one counts. Figures of single classes
    are left out; None is undefined.
    """
    found = {entry['step']: entry for entry in logged if 'mIoU' in entry}
    return [
        dict(epoch=step, **_finite(found[step], lambda name: '.' not in name))
        for step in sorted(found)
    ]


def end_of_training(logged: Sequence[Mapping]) -> dict[str, float | None]:
    """Losses and health figures as the training logged them last."""
    last = [entry for entry in logged if 'loss' in entry][-1:] or [{}]
    return _finite(last[0], lambda name: True)


def _finite(entry: Mapping, wanted: Callable[[str], bool]) -> dict[str, float | None]:
    return {
        name: value if math.isfinite(value) else None
        for name, value in entry.items()
        if name not in _NO_FIGURES and wanted(name)
    }


def _logged(folder: Path) -> Iterator[dict]:
    # A folder for each call, named after the time of its start.
    for file in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in file.read_text(encoding='utf-8').splitlines():
            yield json.loads(line)
