"""Algorithm 1 of "Naive-Student" as a plan, its stages, and what they leave.

A plan (:mod:`.plan`) is a config file; :func:`segda_mm.apis.self_train` carries
it out stage by stage (:mod:`.stages`) and notes in a state file what is done
(:mod:`.state`).
"""

from segda_mm.errors import PlanError

from .plan import Plan, parse_plan
from .stages import Stage, stages_of
from .state import StateFile

__all__ = ['Plan', 'PlanError', 'Stage', 'StateFile', 'parse_plan', 'stages_of']
