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
def run_script():
    """Run a script that forks the processes of its jobs.

    It gets the jobs as JSON, and an address where processes may meet; returned are
    the last line that it prints, read as JSON, and what it complained of.
    """

    def run(script: Path, jobs, timeout: float = 600):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        done = subprocess.run(
            [sys.executable, str(script), json.dumps(jobs)],
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
