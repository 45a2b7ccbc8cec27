"""One thread per test process, and no notes of the libraries below us."""

import os

# Subprocesses that tests start read it too. Two threads gain nothing on tensors this
# small, and a fixed number makes sums come out the same on every machine.
os.environ['OMP_NUM_THREADS'] = '1'

import torch
from yapf.yapflib import yapf_api

from segda_mm.dependencies import require_dependencies

require_dependencies()
torch.set_num_threads(1)

# MMEngine formats a config whenever a Runner starts and whenever it saves: most of the
# time of a tiny training. What it writes is Python without that, too.
yapf_api.FormatCode = lambda text, **_: (text, False)
