"""What tools and notebooks call."""

from segda_mm.engine.distributed import leave_process_group
from segda_mm.errors import PreflightError, TrainingStoppedError

from .build_runner import build_runner
from .config import load_config
from .export import export_segmentor
from .export_onnx import export_onnx
from .export_weights import export_weights
from .labeling import label
from .quantize_onnx import quantize_onnx
from .self_train import self_train
from .test import test
from .train import train
from .verify_onnx import verify_onnx

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
