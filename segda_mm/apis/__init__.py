"""What tools and notebooks call."""

from segda_mm.engine.distributed import leave_process_group
from segda_mm.errors import PreflightError, TrainingStoppedError

from .config import load_config
from .evaluating import test
from .export_weights import export_weights
from .exporting import export_segmentor
from .labeling import label
from .onnx_export import export_onnx
from .onnx_runtime import verify_onnx
from .quantize_onnx import quantize_onnx
from .runner import build_runner
from .self_training import self_train
from .training import train

__all__ = [
    'PreflightError',
    'TrainingStoppedError',
    'build_runner',
    'export_onnx',
    'export_segmentor',
    'export_weights',
    'label',
    'leave_process_group',
    'load_config',
    'quantize_onnx',
    'self_train',
    'test',
    'train',
    'verify_onnx',
]
