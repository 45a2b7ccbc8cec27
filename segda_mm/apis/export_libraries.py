"""The libraries that only exporting needs."""

from __future__ import annotations

import importlib
from types import ModuleType

from segda_mm.errors import PreflightError


def export_library(module: str) -> ModuleType:
    """Import a module of the extra ``export``.

    Args:
        module: as ``onnx`` or ``onnxruntime.quantization``.

    Raises:
        PreflightError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PreflightError(
            f'{module} cannot be imported ({error}); install what exporting needs '
            "with `pip install -e '.[export]'`"
        ) from error
