"""Domain adaptation and self-training for semantic segmentation.

Importing the package registers its components in MMSegmentation's registries, so
``custom_imports = dict(imports=['segda_mm'])`` is all a config needs. Where the
libraries below are missing, too old or broken, nothing is registered and one
sentence on stderr says what to do, so that ``python -m segda_mm.doctor`` still runs.
"""

from segda_mm.dependencies import environment_problems, report_problems

__version__ = '0.1.0'

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
