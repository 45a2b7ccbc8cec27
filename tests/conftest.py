"""One thread per test process, and no notes of the libraries below us."""

import gc
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

# Subprocesses that tests start read it too. Two threads gain nothing on tensors this
# small, and a fixed number makes sums come out the same on every machine.
os.environ['OMP_NUM_THREADS'] = '1'

import pytest
import torch
from yapf.yapflib import yapf_api

from segda_mm.dependencies import require_dependencies

require_dependencies()
torch.set_num_threads(1)

# MMEngine formats a config whenever a Runner starts and whenever it saves: most of the
# time of a tiny training. What it writes is Python without that, too.
yapf_api.FormatCode = lambda text, **_: (text, False)


def pytest_collection_finish():
    # MMEngine collects garbage whenever a data set is built. What the libraries below
    # us hold, which is never freed, would be looked through every time: 0.4 s.
    gc.freeze()


@pytest.fixture(scope='session')
def run_jobs():
    """Run the jobs of a script in processes of their own, see ``fork_jobs.py``.

    They get an address where they may meet. Returned are how each job ended, exit codes
    and seconds, and what was complained of.
    """

    def run(script: Path, jobs, timeout: float = 600):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        fork_jobs = Path(__file__).with_name('fork_jobs.py')
        done = subprocess.run(
            [sys.executable, str(fork_jobs), str(script), json.dumps(jobs)],
            env=dict(
                os.environ,
                PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
                OMP_NUM_THREADS='1',
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=str(port),
            ),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr
        return json.loads(lines[-1]), done.stderr

    return run


@pytest.fixture(scope='session')
def turned():
    """Copy an MP4 whose container then says that it is to be shown turned by 90."""

    def matrix(*rotation):
        a, b, c, d = (value * 0x10000 for value in rotation)
        return struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 0x40000000)

    def copy(video: Path) -> Path:
        content = video.read_bytes()
        start = content.index(matrix(1, 0, 0, 1), content.index(b'tkhd'))
        path = video.with_name('turned.mp4')
        path.write_bytes(content[:start] + matrix(0, 1, -1, 0) + content[start + 36 :])
        return path

    return copy


@pytest.fixture(scope='session')
def semantic_job(tmp_path_factory):
    """Config and checkpoint of a network of three classes, and its images."""
    from mmengine.registry import init_default_scope

    from segda_mm.apis import load_config
    from segda_mm.registry import MODELS
    from segda_mm.testing.toy_job import write_toy_job

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
