"""What commands, tools and notebooks call."""

from segda_mm.engine.distributed import leave_process_group as leave_process_group
from segda_mm.errors import PreflightError as PreflightError
from segda_mm.errors import TrainingStoppedError as TrainingStoppedError

from .config import load_config as load_config
from .deployed_model import load_model as load_model
from .evaluating import evaluate as evaluate
from .exporting import export as export
from .exporting import export_segmentor as export_segmentor
from .exporting import export_weights as export_weights
from .labeling import label as label
from .onnx_export import export_onnx as export_onnx
from .onnx_runtime import quantize_onnx as quantize_onnx
from .onnx_runtime import verify_onnx as verify_onnx
from .runner import build_runner as build_runner
from .self_training import self_train as self_train
from .training import train as train

test = evaluate  # as MMSegmentation's users call it
