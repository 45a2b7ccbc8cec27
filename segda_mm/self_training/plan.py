"""The plan of a self-training: Algorithm 1 of "Naive-Student" in a config file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from segda_mm.errors import PlanError

#: ``init`` of a student that goes on from the student of the round before.
PREVIOUS_STUDENT = 'previous student'


@dataclass(frozen=True)
class Labeled:
    """The images x with annotations y.

    Attributes:
        dataset: Merged into ``train_dataloader.dataset`` of every config; with
            ``_delete_=True`` it replaces that, except for the pipeline.
        share: ``dict(fraction=..., seed=...)``, see ``FolderSegDataset``.
    """

    dataset: dict | None = None
    share: dict | None = None


@dataclass(frozen=True)
class UnlabeledSet:
    """A set of images without annotations.

    Attributes:
        images: Config of an unlabelled data set, without pipeline.
        share: ``dict(fraction=..., seed=...)``, see ``FolderSegDataset``.
        ego_car: Arguments of ``EgoCarRegions``: where the own car is, that
            becomes void. None leaves it labelled.
        truth: Config of a labelled data set, without pipeline, that the pseudo
            labels are compared with where the names of the images agree. No
            training sees it.
    """

    images: dict
    share: dict | None = None
    ego_car: dict | None = None
    truth: dict | None = None


@dataclass(frozen=True)
class Training:
    """The training of a teacher or a student.

    Attributes:
        config: Path of the config of the network and its training.
        init: Checkpoint to start from, :data:`PREVIOUS_STUDENT`, or None for
            the initialisation that the config names.
        steps: Length of the training in steps, rounded to whole epochs; the
            rate decays over as many. None keeps the length of the config.
        options: Merged into the config.
        checkpoint: The weights that this training would end with; given them,
            it does not take place. Of the first teacher only.
    """

    config: str
    init: str | None = None
    steps: int | None = None
    options: dict = field(default_factory=dict)
    checkpoint: str | None = None


@dataclass(frozen=True)
class FineTuning:
    """Step 4, with the student's config.

    Attributes:
        steps: As in :class:`Training`.
        options: Merged into the student's config.
    """

    steps: int | None = None
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Labeling:
    """Step 2: how pseudo labels are made.

    Attributes:
        tta: Whether over the scales and flips of the teacher's config.
        pseudo_labeler: Config of what makes pixels void, as ``label`` takes it, or
            None: the paper keeps every label.
        batch_size: Images at once.
        num_workers: Processes that read images.
    """

    tta: bool = True
    pseudo_labeler: dict | None = None
    batch_size: int = 1
    num_workers: int = 2


@dataclass(frozen=True)
class Evaluation:
    """How the network of each round is judged.

    Attributes:
        tta: Whether over the scales and flips of its config.
        dataset: Merged into ``test_dataloader.dataset`` of every config, as
            :attr:`Labeled.dataset`.
    """

    tta: bool = False
    dataset: dict | None = None


@dataclass(frozen=True)
class Round:
    """Steps 2 to 5.

    Attributes:
        student: Step 3.
        finetune: Step 4; None skips it.
    """

    student: Training
    finetune: FineTuning | None = None


@dataclass(frozen=True)
class Plan:
    """A whole self-training.

    Attributes:
        teacher: Step 1.
        unlabeled: Name of a set -> set. Names become names of folders.
        rounds: Steps 2 to 5, once for each.
        labeled: What the teacher and every fine-tuning is trained on.
        labeling: Of every round.
        mix_labeled: Whether step 3 trains on the labelled images as well.
        evaluation: Of the teacher and of every round.
        seed: ``randomness.seed`` of every training.
    """

    teacher: Training
    unlabeled: dict[str, UnlabeledSet]
    rounds: tuple[Round, ...]
    labeled: Labeled = Labeled()
    labeling: Labeling = Labeling()
    mix_labeled: bool = False
    evaluation: Evaluation = Evaluation()
    seed: int = 0


#: Keys of a plan file that are not the plan's.
_OTHER_KEYS = {'work_dir', 'launcher', 'make_data', 'custom_imports'}


def parse_plan(content: Mapping[str, Any]) -> Plan:
    """Check a plan and give it types.

    Args:
        content: The plan file as a mapping. ``work_dir``, ``make_data`` (the
            command that writes the data, for messages), ``custom_imports`` and
            names that begin with ``_`` are left to others.

    Raises:
        PlanError: naming the key that is missing, unknown or wrong.
    """
    content = {
        key: value
        for key, value in content.items()
        if key not in _OTHER_KEYS and not key.startswith('_')
    }
    entries = _entries(Plan, content, '')
    entries['teacher'] = _training(entries['teacher'], 'teacher')
    for key, kind in (
        ('labeled', Labeled),
        ('labeling', Labeling),
        ('evaluation', Evaluation),
    ):
        if key in entries:
            entries[key] = _section(kind, entries[key], key)
    entries['unlabeled'] = _unlabeled(entries['unlabeled'])
    entries['rounds'] = _rounds(entries['rounds'])
    _require_kind(entries.get('seed', 0), int, 'seed')
    _require_kind(entries.get('mix_labeled', False), bool, 'mix_labeled')
    return Plan(**entries)


def _unlabeled(sets: Any) -> dict[str, UnlabeledSet]:
    _require_kind(sets, Mapping, 'unlabeled')
    # A plan that inherits from another one drops a set by setting it to None.
    sets = {name: entry for name, entry in sets.items() if entry is not None}
    if not sets:
        raise PlanError('unlabeled names no set of images; step 2 has nothing to label')
    parsed = {}
    for name, entry in sets.items():
        key = f'unlabeled.{name}'
        if not name.replace('-', '_').isidentifier():
            raise PlanError(
                f'{key}: the name becomes that of a folder; use letters, digits, '
                '- and _ only'
            )
        parsed[name] = _section(UnlabeledSet, entry, key)
        for part in ('images', 'truth'):
            config = getattr(parsed[name], part)
            if config is not None and 'type' not in config:
                raise PlanError(
                    f'{key}.{part} must be the config of a data set, with type'
                )
            if config is not None and 'pipeline' in config:
                raise PlanError(
                    f'{key}.{part}.pipeline: take it out; the pipelines are those '
                    "of the teacher's and the student's config"
                )
    return parsed


def _rounds(entries: Any) -> tuple[Round, ...]:
    _require_kind(entries, (list, tuple), 'rounds')
    if not entries:
        raise PlanError('rounds is empty; give one entry for each pass of steps 2 to 5')
    rounds = []
    for index, entry in enumerate(entries):
        key = f'rounds.{index}'
        parts = _entries(Round, entry, key)
        parts['student'] = _training(parts['student'], f'{key}.student')
        if parts['student'].checkpoint is not None:
            raise PlanError(
                f'{key}.student.checkpoint: only the first teacher may be given; '
                'to start the student from weights, name them as init'
            )
        if parts['student'].init == PREVIOUS_STUDENT and index == 0:
            raise PlanError(
                f'{key}.student.init: there is no student before the first round; '
                'name a checkpoint, or None for the initialisation of the config'
            )
        if parts.get('finetune') is not None:
            parts['finetune'] = _section(
                FineTuning, parts['finetune'], f'{key}.finetune'
            )
            _require_steps(parts['finetune'].steps, f'{key}.finetune.steps')
        rounds.append(Round(**parts))
    return tuple(rounds)


def _training(entry: Any, key: str) -> Training:
    training = _section(Training, entry, key)
    _require_kind(training.config, str, f'{key}.config')
    _require_steps(training.steps, f'{key}.steps')
    if key == 'teacher' and training.init == PREVIOUS_STUDENT:
        raise PlanError('teacher.init: there is no student before the first teacher')
    return training


def _section(kind: type, entry: Any, key: str) -> Any:
    return kind(**_entries(kind, entry, key))


def _entries(kind: type, entry: Any, key: str) -> dict[str, Any]:
    """The entries of a part of the plan, none of them unknown or missing."""
    _require_kind(entry, Mapping, key)
    prefix = f'{key}.' if key else ''
    known = {part.name: part for part in fields(kind)}
    for name in entry:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f' (did you mean {close[0]!r}?)' if close else ''
            raise PlanError(
                f'{prefix}{name} is no key of a plan{hint}; here there are '
                f'{", ".join(known)}'
            )
    for name, part in known.items():
        required = part.default is MISSING and part.default_factory is MISSING
        if required and name not in entry:
            raise PlanError(f'the plan lacks {prefix}{name}')
    return dict(entry)


def _require_steps(steps: Any, key: str) -> None:
    if steps is not None:
        _require_kind(steps, int, key)
        if steps < 1:
            raise PlanError(f'{key}={steps} must be at least 1')


def _require_kind(value: Any, kind: type | tuple, key: str) -> None:
    wrong_bool = isinstance(value, bool) and kind is int
    if not isinstance(value, kind) or wrong_bool:
        wanted = kind[0] if isinstance(kind, tuple) else kind
        raise PlanError(
            f'{key or "the plan"} must be a {wanted.__name__.lower()}, but is {value!r}'
        )
