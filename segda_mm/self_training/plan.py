"""The plan of a self-training: Algorithm 1 of "Naive-Student" in a config file.

Source: Chen et al., "Naive-Student", ECCV 2020.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
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
        more: Name -> config of a further labelled data set, without pipeline.
    """

    dataset: dict | None = None
    share: dict | None = None
    more: dict[str, dict] = field(default_factory=dict)


@dataclass(frozen=True)
class UnlabeledSet:
    """A set of images without annotations.

    Attributes:
        images: Config of an unlabelled data set, without pipeline.
        ego_car: Arguments of ``EgoCarRegions``: the own car becomes void.
        truth: Config of a labelled data set, without pipeline, that the pseudo
            labels are compared with where the names of the images agree.
        teachers_only: No student is trained on its labels, only teachers of the
            next round with :attr:`TeacherTuning.pseudo_labels`.
    """

    images: dict
    share: dict | None = None
    ego_car: dict | None = None
    truth: dict | None = None
    teachers_only: bool = False


@dataclass(frozen=True)
class Training:
    """The training of a teacher or a student.

    Attributes:
        config: Path of the config of the network and its training.
        init: Checkpoint to start from, :data:`PREVIOUS_STUDENT`, or None for
            the initialisation that the config names.
        steps: Length in steps, rounded to whole epochs unless :attr:`Plan.by_step`;
            None keeps the config's.
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
class TeacherTuning:
    """Before step 2: what labels is fine-tuned; no student goes on from it.

    Attributes:
        labeled: Its own labelled data; None for the plan's.
        pseudo_labels: Train on all labels of the round before as well.
        steps: As for :class:`Training`; the config is that of the network.
        options: Merged into the config.
    """

    labeled: Labeled | None = None
    pseudo_labels: bool = False
    steps: int | None = None
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Labeling:
    """Step 2: as ``label`` takes it; ``pseudo_labeler=None``, as the paper."""

    tta: bool = True
    pseudo_labeler: dict | None = None
    batch_size: int = 1
    num_workers: int = 2


@dataclass(frozen=True)
class Evaluation:
    """How each network is judged; the data set as :attr:`Labeled.dataset`.

    Not at all unless ``judged``, where no image has labels.
    """

    tta: bool = False
    dataset: dict | None = None
    judged: bool = True


@dataclass(frozen=True)
class Round:
    """Step 3, and what is not None of the teacher's tuning and step 4."""

    student: Training
    finetune: FineTuning | None = None
    teacher: TeacherTuning | None = None


@dataclass(frozen=True)
class Plan:
    """A whole self-training.

    Attributes:
        teacher: Step 1.
        unlabeled: Name of a set -> set. Names become names of folders.
        rounds: Steps 2 to 5, once for each.
        labeled: What the teacher and every fine-tuning is trained on.
        mix_labeled: Whether step 3 trains on the labelled images as well.
        by_step: Trainings with ``steps`` take exactly as many, and rates decay in
            every step, so that parts of the data are compared at equal steps.
        seed: ``randomness.seed`` of every training.
    """

    teacher: Training
    unlabeled: dict[str, UnlabeledSet]
    rounds: tuple[Round, ...]
    labeled: Labeled = Labeled()
    labeling: Labeling = Labeling()
    mix_labeled: bool = False
    by_step: bool = False
    evaluation: Evaluation = Evaluation()
    seed: int = 0


class Stage(NamedTuple):
    """A part of a plan that is either finished or not.

    ``round`` is 0 for the first teacher; ``kind`` is ``teacher`` (step 1, or a
    round's tuning), ``label`` (2), ``quality`` (against the truth), ``student`` (3),
    ``finetune`` (4) or ``evaluate``.
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
        teacher = ['teacher'] * (one_round.teacher is not None)
        kinds = [*teacher, 'label', *judged, 'student', *tuned, 'evaluate']
        stages += [Stage(number, kind) for kind in kinds]
    return stages


def parse_plan(content: Mapping[str, Any]) -> Plan:
    """Check a plan file, given as a mapping, and give it types.

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
    if not plan.rounds or not plan.unlabeled:
        raise PlanError('the plan needs at least one entry in rounds and in unlabeled')
    for index, part in enumerate(plan.rounds):
        if part.student.checkpoint is not None:
            raise PlanError(
                f'rounds.{index}.student.checkpoint: only the first teacher may be '
                'given; to start the student from weights, name them as init'
            )
    if PREVIOUS_STUDENT in (plan.teacher.init, plan.rounds[0].student.init):
        raise PlanError(
            'teacher.init and rounds.0.student.init: there is no student before the '
            'first one; name a checkpoint, or None for that of the config'
        )
    teachers = [part.teacher for part in plan.rounds]
    if teachers[0] is not None and teachers[0].pseudo_labels:
        raise PlanError(
            'rounds.0.teacher.pseudo_labels: there are no labels before the first '
            'round; set it to False'
        )
    hidden = [name for name, part in plan.unlabeled.items() if part.teachers_only]
    used = any(teacher and teacher.pseudo_labels for teacher in teachers)
    if hidden and (not used or len(hidden) == len(plan.unlabeled)):
        raise PlanError(
            f'unlabeled.{hidden[0]}.teachers_only: students need another set, and '
            'the teacher of a later round pseudo_labels=True'
        )
    return plan


def _read(hint: Any, value: Any, key: str) -> Any:
    """Give a value the type that it should have; dotted keys name what is wrong."""
    options = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and types.NoneType in options:
        return None
    kind, inner = get_origin(options[0]) or options[0], get_args(options[0])
    name = {tuple: 'list'}.get(kind, 'dict' if is_dataclass(kind) else kind.__name__)
    wanted = dict(list=(list, tuple), dict=Mapping).get(name, kind)
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is int):
        raise PlanError(f'{key or "the plan"} must be a {name}, but is {value!r}')
    prefix = f'{key}.' if key else ''
    if kind is tuple:
        return tuple(
            _read(inner[0], part, f'{prefix}{i}') for i, part in enumerate(value)
        )
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        _require_keys(kind, value, prefix)
    elif inner:
        hints = dict.fromkeys(value, inner[1])
    else:
        return value
    return kind(
        **{k: _read(hints[k], part, f'{prefix}{k}') for k, part in value.items()}
    )


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
