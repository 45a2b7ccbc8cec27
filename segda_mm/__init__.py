"""Domain adaptation and self-training for semantic segmentation.

Importing the package registers its components in MMSegmentation's registries. Where
the libraries below are missing, too old or broken, one sentence on stderr says what
to do instead, and ``python -m segda_mm.doctor`` still runs.
"""

from typing import TYPE_CHECKING, Any

from segda_mm.dependencies import environment_problems, report_problems

if TYPE_CHECKING:
    from segda_mm.apis import (
        Predictor,
        adapt,
        evaluate,
        export,
        label,
        load_config,
        report,
        self_train,
        train,
    )

__version__ = '0.1.0'

#: Parts of :mod:`segda_mm.apis`, which is imported when one is asked for.
__all__ = [
    'Predictor',
    'adapt',
    'evaluate',
    'export',
    'label',
    'load_config',
    'report',
    'self_train',
    'train',
]

_problems = environment_problems()
if _problems:
    report_problems(_problems)
else:
    from segda_mm import (
        datasets,
        engine,
        evaluation,
        labeling,
        methods,
        models,
        visualization,
    )


def __getattr__(name: str) -> Any:
    if name in __all__:
        from segda_mm import apis

        return getattr(apis, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
