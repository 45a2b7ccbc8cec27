import os
import sys

import pytest

from segda_mm.apis.logged_command import last_step, run_logged
from segda_mm.errors import DemoError

LOG = (
    '11/22 01:00:00 - mmengine - INFO - Epoch(train)  [2][  5/100]  lr: 1.2e-02  '
    'eta: 0:01:02  time: 0.2  loss: 1.5\n'
    '11/22 01:00:05 - mmengine - INFO - Epoch(train)  [2][ 10/100]  lr: 1.2e-02  '
    'eta: 0:00:58  time: 0.2  loss: 1.4\n'
    '11/22 01:00:09 - mmengine - INFO - Epoch(val) [2][10/10]  mIoU: 12.1\n'
)


def test_last_step_of_a_log():
    assert last_step(LOG) == 'epoch 2, iteration 10/100, 0:00:58 left'
    assert last_step('gta5: 8/40 frames\ngta5: 9/40 frames\n') == 'gta5: 9/40 frames'
    assert last_step('nothing of the kind') is None


def test_output_is_logged_and_steps_reported(tmp_path):
    program = f'import time; print({LOG!r}, flush=True); time.sleep(0.3)'
    steps = []
    run_logged(
        [sys.executable, '-c', program],
        tmp_path / 'new' / 'train.log',
        os.environ,
        steps.append,
        poll_seconds=0.05,
    )
    assert steps == ['epoch 2, iteration 10/100, 0:00:58 left']
    assert 'mIoU: 12.1' in (tmp_path / 'new' / 'train.log').read_text()


def test_failure_shows_command_status_and_end_of_log(tmp_path):
    program = 'import sys; print("no space left"); sys.exit(3)'
    with pytest.raises(DemoError, match=r'status 3(.|\n)*no space left'):
        run_logged(
            [sys.executable, '-c', program],
            tmp_path / 'log',
            os.environ,
            lambda step: None,
            poll_seconds=0.05,
        )
