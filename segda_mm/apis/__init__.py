"""What commands, tools and notebooks call."""

from segda_mm.engine.distributed import leave_process_group
from segda_mm.errors import PreflightError, TrainingStoppedError

from .adapting import adapt
from .config import load_config
from .deployed_model import load_model
from .evaluating import evaluate
from .exporting import export, export_segmentor, export_weights
from .labeling import label
from .onnx.export import export_onnx
from .onnx.runtime import quantize_onnx, verify_onnx
from .predicting import Predictor
from .reporting import report, try_report
from .reviewing import review
from .runner import build_runner
from .self_training import self_train
from .training import train

test = evaluate  # as MMSegmentation's users call it

__all__ = [
    'Predictor',
    'PreflightError',
    'TrainingStoppedError',
    'adapt',
    'build_runner',
    'evaluate',
    'export',
    'export_onnx',
    'export_segmentor',
    'export_weights',
    'label',
    'leave_process_group',
    'load_config',
    'load_model',
    'quantize_onnx',
    'report',
    'review',
    'self_train',
    'test',
    'train',
    'try_report',
    'verify_onnx',
]
