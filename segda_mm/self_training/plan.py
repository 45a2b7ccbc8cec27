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
    """Step 4, with the student's config; see :class:`Training`."""

    steps: int | None = None
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Labeling:
    """Step 2: how pseudo labels are made.

    Attributes:
        tta: Whether over the scales and flips of the teacher's config.
        pseudo_labeler: Config of what makes pixels void, as ``TTALabeler`` takes
            it, or None: the paper keeps every label.
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
        kind: ``teacher`` (step 1), ``label`` (2), ``quality`` (the labels
            against the truth, where there is one), ``student`` (3),
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
        kinds = ['label']
        kinds += ['quality'] if has_truth else []
        kinds += ['student']
        kinds += ['finetune'] if one_round.finetune else []
        stages += [Stage(number, kind) for kind in [*kinds, 'evaluate']]
    return stages


#: Keys of a plan file that are not the plan's.
_OTHER_KEYS = {'work_dir', 'launcher', 'make_data', 'custom_imports'}


def parse_plan(content: Mapping[str, Any]) -> Plan:
    """Check a plan and give it types.

    Args:
        content: The plan file as a mapping. ``work_dir``, ``make_data`` (the
            command that writes the data, for messages), ``custom_imports`` and
            names that begin with ``_`` are left to others.

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
    _check_training(plan.teacher, 'teacher')
    _check_unlabeled(plan.unlabeled)
    _check_rounds(plan.rounds)
    return plan


def _check_training(training: Training | FineTuning, key: str) -> None:
    if training.steps is not None and training.steps < 1:
        raise PlanError(f'{key}.steps={training.steps} must be at least 1')
    if key == 'teacher' and training.init == PREVIOUS_STUDENT:
        raise PlanError('teacher.init: there is no student before the first teacher')


def _check_unlabeled(sets: Mapping[str, UnlabeledSet]) -> None:
    if not sets:
        raise PlanError('unlabeled names no set of images; step 2 has nothing to label')
    for name, entry in sets.items():
        key = f'unlabeled.{name}'
        if not name.replace('-', '_').isidentifier():
            raise PlanError(
                f'{key}: the name becomes that of a folder; use letters, digits, '
                '- and _ only'
            )
        for part, config in (('images', entry.images), ('truth', entry.truth)):
            if config is not None and 'type' not in config:
                raise PlanError(
                    f'{key}.{part} must be the config of a data set, with type'
                )
            if config is not None and 'pipeline' in config:
                raise PlanError(
                    f'{key}.{part}.pipeline: take it out; the pipelines are those '
                    "of the teacher's and the student's config"
                )


def _check_rounds(rounds: tuple[Round, ...]) -> None:
    if not rounds:
        raise PlanError('rounds is empty; give one entry for each pass of steps 2 to 5')
    for index, one_round in enumerate(rounds):
        key = f'rounds.{index}'
        _check_training(one_round.student, f'{key}.student')
        if one_round.finetune is not None:
            _check_training(one_round.finetune, f'{key}.finetune')
        if one_round.student.checkpoint is not None:
            raise PlanError(
                f'{key}.student.checkpoint: only the first teacher may be given; '
                'to start the student from weights, name them as init'
            )
        if one_round.student.init == PREVIOUS_STUDENT and index == 0:
            raise PlanError(
                f'{key}.student.init: there is no student before the first round; '
                'name a checkpoint, or None for the initialisation of the config'
            )


def _read(hint: Any, value: Any, key: str) -> Any:
    """A part of the plan in the type that its dataclass says."""
    options = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and types.NoneType in options:
        return None
    kind, inner = get_origin(options[0]) or options[0], get_args(options[0])
    if kind is tuple:
        _require_kind(value, (list, tuple), key)
        return tuple(
            _read(inner[0], part, f'{key}.{index}') for index, part in enumerate(value)
        )
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        _require_kind(value, Mapping, key)
        _require_keys(kind, value, key)
    else:
        _require_kind(value, Mapping if kind is dict else kind, key)
        if not inner:
            return value
        hints = dict.fromkeys(value, inner[1])
    parts = {
        name: _read(hints[name], part, f'{key}.{name}'.lstrip('.'))
        for name, part in value.items()
    }
    return kind(**parts)


def _require_keys(kind: type, entry: Mapping, key: str) -> None:
    """See that no entry of a part of the plan is unknown or missing."""
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


def _require_kind(value: Any, kind: type | tuple, key: str) -> None:
    wrong_bool = isinstance(value, bool) and kind is int
    if not isinstance(value, kind) or wrong_bool:
        wanted = kind[0] if isinstance(kind, tuple) else kind
        raise PlanError(
            f'{key or "the plan"} must be a {wanted.__name__.lower()}, but is {value!r}'
        )
