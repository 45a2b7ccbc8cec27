"""Fixtures that run the toy training in this process and in others."""
import importlib.util
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).with_name('train_toy.py')


@pytest.fixture(scope='session')
def toy():
    """The module ``train_toy``."""
    spec = importlib.util.spec_from_file_location('train_toy', _SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules['train_toy'] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def run_elsewhere(run_script):
    """Train the toy in other processes; returns their wait statuses."""

    def run(*runs):
        statuses, run.stderr = run_script(_SCRIPT, runs)
        return statuses

    return run
