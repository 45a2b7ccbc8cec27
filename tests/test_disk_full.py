"""A disk that fills up: earlier files stay, and what was not written is named.

A limit of the system on the size of files stands for the full disk: like one, it
lets a part of a file through and then refuses, in whatever code does the writing.
"""

import json
import resource
from contextlib import contextmanager

import pytest
import torch
from mmengine.hooks import Hook

from segda_mm.apis import load_config
from segda_mm.apis.runner import build_runner
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import FileNotWrittenError
from segda_mm.files import append_line, write_json
from segda_mm.testing.toy_job import write_toy_job

REASON = 'was not written: File too large'


@contextmanager
def room_for(size):
    """No file of this process may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


class FillDisk(Hook):
    """Leaves room for logs alone once a checkpoint has been written."""

    def __init__(self, room):
        self.room = room

    def before_train_epoch(self, runner):
        if runner.epoch == 1:
            self.room.__enter__()


def test_a_checkpoint(tmp_path):
    cfg = load_config(write_toy_job(tmp_path))
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    runner = build_runner(cfg)
    room = room_for(100_000)
    runner.register_hook(FillDisk(room))
    with pytest.raises(FileNotWrittenError) as raised:
        try:
            runner.train()
        finally:
            room.__exit__(None, None, None)
    work = tmp_path / 'work'
    assert str(raised.value).startswith(f'{work / "epoch_2.pth"} {REASON}')
    earlier = work / 'epoch_1.pth'
    assert earlier.stat().st_size > 100_000
    assert torch.load(earlier, weights_only=True)['meta']['epoch'] == 1
    assert find_resumable_checkpoint(str(work)) == str(earlier)
    assert not [path for path in work.rglob('*') if 'epoch_2' in path.name]


def test_reports_and_results(tmp_path):
    report, results = tmp_path / 'report.json', tmp_path / 'results.jsonl'
    write_json(report, dict(mIoU=50))
    append_line(results, '50')
    before = contents(tmp_path)
    long = '["road"' + ', "road"' * 99 + ']'
    for write, file in (
        (lambda: write_json(report, dict(classes=['road'] * 100)), report),
        (lambda: append_line(results, long), results),
    ):
        message = f'{file} {REASON}'
        with pytest.raises(FileNotWrittenError, match=message), room_for(500):
            write()
    assert contents(tmp_path) == before
    append_line(results, '51')
    assert results.read_text() == '50\n51\n'
    assert json.loads(report.read_text()) == dict(mIoU=50)
