"""A disk that fills up: earlier files stay, and what was not written is named.

A limit of the system on the size of files stands for the full disk: like one, it
lets a part of a file through and then refuses, in whatever code does the writing.
"""

import json
import resource
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from PIL import Image

from segda_mm.apis import load_config
from segda_mm.apis.runner import build_runner
from segda_mm.engine.runner import find_resumable_checkpoint
from segda_mm.errors import FileNotWrittenError
from segda_mm.files import append_line, write_json
from segda_mm.labeling import LabelStore, TTALabeler
from segda_mm.registry import DATASETS
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


class Brightness(torch.nn.Module):
    """Takes the pixel's first channel for its class."""

    decode_head = SimpleNamespace(num_classes=100)

    def __init__(self):
        super().__init__()
        self.labelled = []

    def test_step(self, batch):
        for image, sample in zip(batch['inputs'], batch['data_samples']):
            sample.pred_sem_seg = PixelData(data=image[:1])
            self.labelled.append(sample.img_path.rpartition('/')[2])
        return batch['data_samples']


def label(images, out):
    init_default_scope('mmseg')
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    config = dict(type='UnlabeledImageDataset', images=str(images), pipeline=pipeline)
    model = Brightness()
    TTALabeler(num_workers=0, num_writers=1).label(
        model, DATASETS.build(config), LabelStore(out), {}, {}
    )
    return model.labelled


@pytest.fixture
def images(tmp_path):
    """Three images; the label of the second takes some 8 kB, of the others 0.1."""
    folder = tmp_path / 'images'
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name, high in (('0', 1), ('1', 100), ('2', 1)):
        pixels = draw.integers(high, size=(96, 96, 1), dtype=np.uint8).repeat(3, 2)
        Image.fromarray(pixels).save(folder / f'{name}.png')
    return folder


def test_a_pseudo_label(images, tmp_path):
    out = tmp_path / 'out'
    with (
        pytest.raises(FileNotWrittenError, match=f'out/1.png {REASON}'),
        room_for(4000),
    ):
        label(images, out)
    left = contents(out)
    assert left.keys() - {'2.png'} == {
        '0.png',
        'identity.json',
        'statistics.part0.jsonl',
    }
    assert '1.png' in label(images, out)
    label(images, tmp_path / 'uncut')
    assert contents(out) == contents(tmp_path / 'uncut')
    assert contents(out)['0.png'] == left['0.png']


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
