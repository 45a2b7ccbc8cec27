"""The plan of a self-training: Algorithm 1 of "Naive-Student" in a config file.

Source: Chen et al., "Naive-Student", ECCV 2020.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from segda_mm.errors import PlanError

#: ``init`` of a student that goes on from the student of the round before.
PREVIOUS_STUDENT = 'previous student'

#: Keys of a plan file that are not the plan's.
_OTHER_KEYS = {'work_dir', 'launcher', 'make_data', 'custom_imports'}


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
        ego_car: Arguments of ``EgoCarRegions``: the own car becomes void.
        truth: Config of a labelled data set, without pipeline, that the pseudo
            labels are compared with where the names of the images agree.
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
        steps: Length in steps, rounded to whole epochs; None keeps the config's.
        options: Merged into the config.
        checkpoint: Of the first teacher only: its weights, instead of a training.
    """

    config: str
    init: str | None = None
    steps: int | None = None
    options: dict = field(default_factory=dict)
    checkpoint: str | None = None


@dataclass(frozen=True)
class FineTuning:
    """Step 4, with the student's config; see :class:`Training`."""

    steps: int | None = None
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Labeling:
    """Step 2: how pseudo labels are made.

    Attributes:
        tta: Whether over the scales and flips of the teacher's config.
        pseudo_labeler: As ``TTALabeler`` takes it; None, as the paper, keeps all.
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
    """Step 3 and, unless it is None, step 4."""

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


class Stage(NamedTuple):
    """A part of a plan that is either finished or not.

    Attributes:
        round: 0 for the first teacher, then 1, 2, ...
        kind: ``teacher`` (step 1), ``label`` (2), ``quality`` (against the truth),
            ``student`` (3), ``finetune`` (4) or ``evaluate``.
    """

    round: int
    kind: str

    @property
    def name(self) -> str:
        """``1-student``: also the name of the stage's folder."""
        return f'{self.round}-{self.kind}'


def stages_of(plan: Plan) -> list[Stage]:
    """All stages of a plan, in the order in which they are carried out."""
    stages = [] if plan.teacher.checkpoint else [Stage(0, 'teacher')]
    stages.append(Stage(0, 'evaluate'))
    has_truth = any(part.truth for part in plan.unlabeled.values())
    for number, one_round in enumerate(plan.rounds, 1):
        judged = ['quality'] * has_truth
        tuned = ['finetune'] * (one_round.finetune is not None)
        kinds = ['label', *judged, 'student', *tuned, 'evaluate']
        stages += [Stage(number, kind) for kind in kinds]
    return stages


def parse_plan(content: Mapping[str, Any]) -> Plan:
    """Check a plan file, given as a mapping, and give it types.

    Keys of other readers and names that begin with ``_`` are passed over.

    Raises:
        PlanError: Naming the key that is missing, unknown or wrong.
    """
    content = {
        key: value
        for key, value in content.items()
        if key not in _OTHER_KEYS and not key.startswith('_')
    }
    sets = content.get('unlabeled')
    if isinstance(sets, Mapping):
        # A plan that inherits from another one drops a set by setting it to None.
        sets = {name: entry for name, entry in sets.items() if entry is not None}
        content['unlabeled'] = sets
    plan = _read(Plan, content, '')
    for key, complaint in _complaints(plan):
        raise PlanError(f'{key}{complaint}')
    return plan


def _complaints(plan: Plan) -> Iterator[tuple[str, str]]:
    """Keys whose values make no sense together, and why."""
    trainings: dict[str, Training | FineTuning] = {'teacher': plan.teacher}
    for index, one_round in enumerate(plan.rounds):
        key = f'rounds.{index}'
        trainings[f'{key}.student'] = one_round.student
        if one_round.finetune is not None:
            trainings[f'{key}.finetune'] = one_round.finetune
        if one_round.student.checkpoint is not None:
            yield (
                f'{key}.student.checkpoint',
                ': only the first teacher may be given; to start the student from '
                'weights, name them as init',
            )
    for key, training in trainings.items():
        if training.steps is not None and training.steps < 1:
            yield f'{key}.steps', f'={training.steps} must be at least 1'
    for key in ('teacher', 'rounds.0.student'):
        if key in trainings and trainings[key].init == PREVIOUS_STUDENT:
            yield (
                f'{key}.init',
                ': there is no student before the first one; name a checkpoint, or '
                'None for the initialisation of the config',
            )
    if not plan.rounds:
        yield 'rounds', ' is empty; give one entry for each pass of steps 2 to 5'
    if not plan.unlabeled:
        yield 'unlabeled', ' names no set of images; step 2 has nothing to label'
    for name, entry in plan.unlabeled.items():
        key = f'unlabeled.{name}'
        if not name.replace('-', '_').isidentifier():
            yield key, ': the name of a folder has letters, digits, - and _ only'
        for part, config in (('images', entry.images), ('truth', entry.truth)):
            if config is None:
                continue
            if 'type' not in config:
                yield f'{key}.{part}', ' must be the config of a data set, with type'
            if 'pipeline' in config:
                yield (
                    f'{key}.{part}.pipeline',
                    ": take it out; the pipelines are those of the teacher's and "
                    "the student's config",
                )


def _read(hint: Any, value: Any, key: str) -> Any:
    options = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and types.NoneType in options:
        return None
    kind, inner = get_origin(options[0]) or options[0], get_args(options[0])
    is_part = is_dataclass(kind)
    wanted = {tuple: (list, tuple), dict: Mapping}.get(kind, kind)
    wrong_bool = isinstance(value, bool) and kind is int
    if not isinstance(value, Mapping if is_part else wanted) or wrong_bool:
        name = {tuple: 'list'}.get(kind, 'dict' if is_part else kind.__name__)
        raise PlanError(f'{key or "the plan"} must be a {name}, but is {value!r}')
    if kind is tuple:
        return tuple(
            _read(inner[0], part, f'{key}.{index}') for index, part in enumerate(value)
        )
    if is_part:
        hints = get_type_hints(kind)
        _require_keys(kind, value, f'{key}.' if key else '')
    elif inner:
        hints = dict.fromkeys(value, inner[1])
    else:
        return value
    parts = {
        name: _read(hints[name], part, f'{key}.{name}'.lstrip('.'))
        for name, part in value.items()
    }
    return kind(**parts)


def _require_keys(kind: type, entry: Mapping, prefix: str) -> None:
    known = {part.name: part for part in fields(kind)}
    for name in entry.keys() - known.keys():
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
