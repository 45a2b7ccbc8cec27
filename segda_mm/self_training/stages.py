"""The stages that a plan consists of, in their order."""

from __future__ import annotations

from typing import NamedTuple

from .plan import Plan


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
