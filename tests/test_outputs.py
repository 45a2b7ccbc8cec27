"""No command writes into what it reads, or over what it did not write."""

import os
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm import Predictor
from segda_mm.apis import (
    PreflightError,
    evaluate,
    export_onnx,
    export_segmentor,
    export_weights,
    label,
    load_config,
    quantize_onnx,
    train,
)
from segda_mm.datasets import UnlabeledImageDataset, discovery
from segda_mm.errors import DataError
from segda_mm.inference import onnx_predict
from segda_mm.outputs import WRITTEN, note_folder
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job

READ = 'which is read'
OTHERS = 'was not written by this command'


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A job, its random weights and their graph."""
    folder = tmp_path_factory.mktemp('made')
    config = write_toy_job(folder)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'net.pth')
    files = folder / 'net.pth', folder / 'net.onnx'
    export_onnx(Config.fromfile(config), *files, size=(64, 32))
    return folder


@pytest.fixture
def job(made, tmp_path):
    """A copy with other places to write to."""
    shutil.copytree(made, tmp_path / 'job')
    folder = tmp_path / 'job'
    text = (folder / 'configs/toy.py').read_text().replace(str(made), str(folder))
    (folder / 'configs/toy.py').write_text(text)
    (folder / 'link').symlink_to(folder / 'data/images/val')
    (folder / 'inside').mkdir()
    (folder / 'inside/overlay').symlink_to(folder / 'data/images/val')
    photos = folder / 'photos'
    photos.mkdir()
    Image.new('RGB', (8, 8)).save(photos / 'mine.JPG')
    return folder


def config_of(job, **options):
    return load_config(job / 'configs/toy.py', options)


def command(name, job, out):
    if name in ('out', 'show_dir'):
        evaluate(config_of(job), job / 'net.pth', **{name: out})
    elif name == 'label':
        images = str(job / 'data/images/val')
        cfg = config_of(job)
        label(cfg, job / 'net.pth', images, out, tta=False, num_workers=0)
    else:
        Predictor(job / 'net.onnx').save(job / 'data/images/val', out, ['labels'])


def content(folder):
    return {
        path: path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and 'work' not in path.parts
    }


@pytest.mark.parametrize('name', ['out', 'show_dir', 'label', 'predict'])
@pytest.mark.parametrize(
    'out, message',
    [
        ('data/images/val', READ),
        ('data/images/val/new/deep', READ),
        ('data/../data/images/val', READ),
        ('data', READ),
        ('link', READ),
        ('link/new', READ),
    ],
)
def test_a_folder_that_is_read_is_not_written_to(job, name, out, message):
    before = content(job)
    with pytest.raises(PreflightError, match=message):
        command(name, job, job / out)
    assert content(job) == before


@pytest.mark.parametrize(
    'name, out, message',
    [
        ('out', 'data/labels/val', READ),
        ('out', 'data/labels/train', OTHERS),
        ('show_dir', 'photos', r'holds mine.JPG, which ' + OTHERS),
        ('predict', 'photos', OTHERS),
        ('predict', 'inside', READ),
        ('label', 'data/labels/train', 'unknown which network made it'),
    ],
)
def test_a_folder_of_others_is_not_written_to(job, name, out, message):
    before = content(job)
    with pytest.raises(PreflightError, match=message):
        command(name, job, job / out)
    assert content(job) == before


@pytest.mark.parametrize('name', ['out', 'show_dir', 'label', 'predict'])
def test_own_folders_are_written_to_again(job, name):
    for _ in range(2):
        command(name, job, job / 'new/out')
    assert len(list((job / 'new/out').rglob('*.png'))) == 3


def test_outputs_that_a_config_names(job):
    labels = str(job / 'data/labels/val')
    metric = [dict(type='IoUMetric', output_dir=labels)]
    with pytest.raises(PreflightError, match=READ):
        evaluate(config_of(job, test_evaluator=metric), job / 'net.pth')
    with pytest.raises(PreflightError, match=f'{READ}|{OTHERS}'):
        train(config_of(job, val_evaluator=metric))
    with pytest.raises(PreflightError, match=READ):
        train(config_of(job, work_dir=str(job / 'data/images/train/runs')))
    assert not (job / 'data/images/train/runs').exists()


def test_what_was_written_is_not_read(tmp_path, monkeypatch):
    """Also where it came below the images by other ways."""
    for name in ('a.png', 'sub/b.png', 'out/labels/a.png', 'old/a.png'):
        file = tmp_path / 'drive' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (4, 4)).save(file)
    note_folder(tmp_path / 'drive/out')
    identity = '{"identity": {}, "origin": {}}'
    (tmp_path / 'drive/old/identity.json').write_text(identity)
    told = []
    monkeypatch.setattr(discovery, 'print_log', lambda text, **_: told.append(text))
    for images in ('drive', 'drive/**/*.png'):
        found = UnlabeledImageDataset(str(tmp_path / images), pipeline=[])
        names = [found.get_data_info(i)['relative_path'] for i in range(len(found))]
        assert names == ['a.png', 'sub/b.png']
        assert 'left out: 2 labels or predictions written here' in told[-1]
    with pytest.raises(DataError, match='this package wrote, and no images'):
        UnlabeledImageDataset(str(tmp_path / 'drive/out'), pipeline=[])


def exporters(job):
    cfg, checkpoint, graph = config_of(job), job / 'net.pth', job / 'net.onnx'
    images = [np.zeros((1, 3, 32, 64), np.uint8)]
    return {
        '.pth': lambda out: export_segmentor(cfg, checkpoint, out),
        '.onnx': lambda out: export_onnx(cfg, checkpoint, out, size=(64, 32)),
        '.safetensors': lambda out: export_weights(checkpoint, out),
        '.int8.onnx': lambda out: quantize_onnx(graph, out, images),
    }


@pytest.mark.parametrize('suffix', ['.pth', '.onnx', '.safetensors', '.int8.onnx'])
def test_exports_replace_only_exports(job, suffix):
    cfg_test = job / 'configs/toy.py'
    text = cfg_test.read_text()
    if suffix == '.pth':
        # Its own config has what is left out of a toy one.
        cfg_test.write_text(text + '\ntest_pipeline = []\n')
    export = exporters(job)[suffix]
    for _ in range(2):
        export(job / f'made/new{suffix}')
    (job / f'epoch_2{suffix}').write_bytes(b'of others')
    os.link(job / 'net.pth', job / 'hard.pth')
    (job / f'soft{suffix}').symlink_to(job / 'net.pth')
    before = content(job)
    for out in (f'epoch_2{suffix}', f'soft{suffix}', 'hard.pth', 'net.pth', 'net.onnx'):
        if out.endswith(suffix.rpartition('.')[1] + suffix.rpartition('.')[2]):
            if out == 'net.onnx' and suffix == '.onnx':
                continue
            with pytest.raises(PreflightError, match=f'{READ}|{OTHERS}'):
                export(job / out)
    if suffix == '.pth':
        # Beside it would come toy.py, the config of the run.
        with pytest.raises(PreflightError, match=READ):
            export(job / 'configs/toy.pth')
    assert content(job) == before


@pytest.mark.parametrize(
    'images, out, message',
    [
        (['val/0.png'], 'val', READ),
        (['val/0.png'], 'link', READ),
        (['val/0.png', 'train/0.png'], 'new', 'two images would write one file'),
        (['val/0.png', 'val/0_overlay.png'], 'new', 'two images would write one'),
        (['val/mine.png'], 'photos', OTHERS),
        (['val/0.png'], 'new', None),
    ],
)
def test_the_runner_that_stands_alone(job, monkeypatch, capsys, images, out, message):
    data = job / 'data/images'
    for name in ('val/0_overlay.png', 'val/mine.png', '../../photos/mine.png'):
        shutil.copy(data / 'val/0.png', data / name)
    target = dict(val=data / 'val').get(out, job / out)
    words = [job / 'net.onnx', *(data / name for name in images), '--overlay']
    monkeypatch.setattr('sys.argv', ['x', *map(str, words), '--out', str(target)])
    before = content(job)
    assert onnx_predict.WRITTEN == WRITTEN
    if message is None:
        assert onnx_predict.main() == onnx_predict.main() == 0
        return
    assert onnx_predict.main() == 2
    assert message in capsys.readouterr().err
    assert content(job) == before
