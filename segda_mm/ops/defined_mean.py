"""Means over the classes that have a figure."""

from __future__ import annotations

import numpy as np


def defined_mean(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if there are none.

    Args:
        values: Floats of any shape.
    """
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float('nan')
