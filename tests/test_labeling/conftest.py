"""Labelling in processes of its own, and networks to label with."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from segda_mm.apis import load_config
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job

SCRIPT = Path(__file__).with_name('label_elsewhere.py')


@pytest.fixture(scope='session')
def label_elsewhere():
    """Label in other processes; returns the exit codes of each labelling."""

    def run(*labellings):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        done = subprocess.run(
            [sys.executable, str(SCRIPT), json.dumps(labellings)],
            env=dict(
                os.environ,
                PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
                OMP_NUM_THREADS='1',
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=str(port),
            ),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        run.stderr = done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


@pytest.fixture(scope='session')
def semantic_job(tmp_path_factory):
    """Config and checkpoint of a network of three classes, and its images."""
    folder = tmp_path_factory.mktemp('semantic')
    config = write_toy_job(folder)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(load_config(config).model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'net.pth')
    return dict(
        config=str(config),
        checkpoint=str(folder / 'net.pth'),
        images=str(folder / 'data' / 'images'),
    )
