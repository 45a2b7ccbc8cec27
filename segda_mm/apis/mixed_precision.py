"""Mixed precision for every optimizer of a config."""

from __future__ import annotations

import torch
from mmengine.config import Config

from segda_mm.errors import PreflightError

FULL_PRECISION = ('OptimWrapper', 'GradientAveragingOptimWrapper')
ON_CUDA = 'GradientAveragingAmpOptimWrapper'
ON_CPU = 'GradientAveragingBFloat16OptimWrapper'


def enable_mixed_precision(cfg: Config) -> None:
    """Switch all optimizer wrappers of a config to mixed precision, in place.

    On CUDA: float16 with a scaled loss; on a CPU: bfloat16, which needs no
    scaling. One optimizer per network, as a dict of named wrappers, is
    switched as a whole.

    Raises:
        PreflightError: a wrapper is of a type that has no such twin.
    """
    wanted = ON_CUDA if torch.cuda.is_available() else ON_CPU
    single = 'optimizer' in cfg.optim_wrapper
    members = (
        {'optim_wrapper': cfg.optim_wrapper}
        if single
        else {
            f'optim_wrapper.{name}': member
            for name, member in cfg.optim_wrapper.items()
            if isinstance(member, dict)
        }
    )
    for key, member in members.items():
        kind = member.get('type', 'OptimWrapper')
        if kind not in (*FULL_PRECISION, 'AmpOptimWrapper', ON_CUDA, ON_CPU):
            raise PreflightError(
                f'--amp cannot be used with {key}.type={kind}; it knows '
                f'{" and ".join(FULL_PRECISION)}'
            )
        member['type'] = wanted
