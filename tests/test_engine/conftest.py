"""Fixtures that run the toy training in this process and in others."""
import importlib.util
import json
import os
import socket
import subprocess
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
def run_elsewhere():
    """Train the toy in other processes; returns their wait statuses."""

    def run(*runs):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        done = subprocess.run(
            [sys.executable, str(_SCRIPT), json.dumps(runs)],
            env=dict(
                os.environ,
                PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
                OMP_NUM_THREADS='1',
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=300)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr
        run.stderr = done.stderr
        return json.loads(lines[-1])

    return run
