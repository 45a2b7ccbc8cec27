"""Algorithm 1 of "Naive-Student" as a plan, its stages, and what they leave.

A plan (:mod:`.plan`) is a config file; :mod:`.run` carries it out stage by stage
(:mod:`.stages`) and notes in a state file what is done (:mod:`.state`).
"""

from segda_mm.errors import PlanError

from .configs import PlanConfigs
from .plan import parse_plan, stages_of
from .run import carry_out, require_inputs
from .stages import Commands
from .state import StateFile

__all__ = [
    'Commands',
    'PlanConfigs',
    'PlanError',
    'StateFile',
    'carry_out',
    'parse_plan',
    'require_inputs',
    'stages_of',
]
