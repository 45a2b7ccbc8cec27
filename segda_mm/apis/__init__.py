"""What tools and notebooks call."""

from .build_runner import build_runner
from .config import load_config
from .preflight_error import PreflightError
from .test import test
from .train import train

__all__ = ['PreflightError', 'build_runner', 'load_config', 'test', 'train']
