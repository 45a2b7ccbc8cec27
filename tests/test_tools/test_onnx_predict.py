"""From a checkpoint to labels without PyTorch, by the command lines of deployment."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample
from PIL import Image, ImageOps

from segda_mm.apis import export_onnx, load_model
from segda_mm.apis.onnx import runtime as onnx_runtime
from segda_mm.inference import onnx_predict
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import PALETTE, write_toy_job

#: Runs a script where none of these can be imported.
ALONE = """
import runpy, sys
for name in ('torch', 'torchvision', 'segda_mm', 'mmseg', 'mmengine', 'mmcv', 'onnx'):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.fixture(scope='module')
def deployed(tmp_path_factory):
    """A config with data, its checkpoint, and the graph exported from them."""
    folder = tmp_path_factory.mktemp('deployed')
    config = write_toy_job(folder)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    checkpoint, graph = folder / 'net.pth', folder / 'net.onnx'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    export_onnx(Config.fromfile(config), checkpoint, graph, size=(64, 32))
    return config, checkpoint, graph


def data_of(deployed):
    return deployed[2].parent / 'data' / 'images'


@torch.inference_mode()
def labels_of_the_model(model, picture):
    """With mmseg's resizing to 64x32 and back."""
    inputs = cv2.resize(picture, (64, 32), interpolation=cv2.INTER_LINEAR)
    sample = SegDataSample(
        metainfo=dict(ori_shape=picture.shape[:2], img_shape=(32, 64))
    )
    inputs = torch.from_numpy(inputs.transpose(2, 0, 1).copy())
    (sample,) = model.test_step(dict(inputs=[inputs], data_samples=[sample]))
    return sample.pred_sem_seg.data[0].numpy()


def test_labels_without_torch_are_those_of_the_model(deployed, tmp_path):
    config, checkpoint, graph = deployed
    large = np.random.default_rng(0).integers(256, size=(9, 14, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'large.png'), large.repeat(5, 0).repeat(8, 1))
    images = [data_of(deployed) / 'val/0.png', tmp_path / 'large.png']
    out = tmp_path / 'labels'
    done = subprocess.run(
        [sys.executable, '-c', ALONE, onnx_predict.__file__, graph, *images]
        + ['--out', out, '--overlay'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=''),
    )
    assert done.returncode == 0, done.stderr
    model = load_model(Config.fromfile(config), checkpoint)
    for image in images:
        picture = cv2.imread(str(image))
        labels = cv2.imread(str(out / f'{image.stem}.png'), cv2.IMREAD_UNCHANGED)
        assert labels.dtype == np.uint8
        np.testing.assert_array_equal(labels, labels_of_the_model(model, picture))
        assert len(np.unique(labels)) > 1
        overlay = cv2.imread(str(out / f'{image.stem}_overlay.png'))
        mixed = 0.5 * picture + 0.5 * np.array(PALETTE)[labels][..., ::-1]
        np.testing.assert_allclose(overlay, mixed, atol=1)
    assert not list(out.glob('.*.unfinished'))


@pytest.mark.parametrize('orientation', [3, 6, 8])
def test_labels_lie_on_the_stored_pixels(deployed, tmp_path, run_program, orientation):
    picture = Image.open(data_of(deployed) / 'val/0.png').resize((56, 40))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / 'turned.png', exif=exif)
    picture.save(tmp_path / 'plain.png')
    images = [tmp_path / f'{name}.png' for name in ('turned', 'plain')]
    predict, out = 'segda_mm/inference/onnx_predict.py', tmp_path / 'labels'
    words = (deployed[2], *images, '--out', out, '--overlay')
    assert run_program(predict, *words) == 0
    found = {path.stem: Image.open(path) for path in out.glob('*.png')}
    assert found['turned'].size == (56, 40)
    np.testing.assert_array_equal(found['turned'], found['plain'])
    # The overlay looks like the photo in a viewer.
    plain = found['plain_overlay']
    plain.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(plain)
    np.testing.assert_array_equal(found['turned_overlay'], expected)
    # Graphs are verified on the same pixels.
    np.testing.assert_array_equal(onnx_runtime._read(images[0])[..., ::-1], picture)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(7, 31), (13, 5), (11, 12)])
def test_logits_are_resized_as_by_torch(size, align_corners):
    maps = np.random.default_rng(0).normal(size=(3, 11, 12)).astype(np.float32)
    expected = F.interpolate(
        torch.from_numpy(maps)[None],
        size=size,
        mode='bilinear',
        align_corners=align_corners,
    )[0]
    found = onnx_predict._resized(maps, size, align_corners)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_what_is_wrong_is_said(deployed, tmp_path, run_command, run_program, capsys):
    graph = deployed[2]
    image = data_of(deployed) / 'val/0.png'
    out = ('--out', tmp_path / 'labels')
    predict = 'segda_mm/inference/onnx_predict.py'
    (tmp_path / 'broken.onnx').write_bytes(b'no graph')
    # As other programs write it, and as it is after another program changed it.
    proto = onnx.load(str(graph))
    props = {entry.key: entry.value for entry in proto.metadata_props}
    for name, changed in (
        ('foreign', {}),
        ('sizes', dict(props, input_size='[32, 64]')),
        ('names', dict(props, classes='["road"]')),
        ('json', dict(props, palette='no JSON')),
        ('short', {k: v for k, v in props.items() if k != 'align_corners'}),
    ):
        onnx.helper.set_model_props(proto, changed)
        onnx.save(proto, str(tmp_path / f'{name}.onnx'))
    for words, message in (
        (('gone.onnx', image), 'there is no graph gone.onnx'),
        ((tmp_path / 'broken.onnx', image), 'is no graph that can be run'),
        ((tmp_path / 'foreign.onnx', image), 'another program wrote it'),
        ((tmp_path / 'sizes.onnx', image), 'input_size is [32, 64], but it takes'),
        ((tmp_path / 'names.onnx', image), 'palette and classes differ in length'),
        ((tmp_path / 'json.onnx', image), 'contradicts itself (JSONDecodeError'),
        ((tmp_path / 'short.onnx', image), "(KeyError: 'align_corners')"),
        ((graph, 'gone.png'), 'gone.png is missing or is no image'),
        ((graph, image, image), 'two images would write one file'),
    ):
        assert run_program(predict, *words, *out) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.glob('labels/*'))
    quantize = ('quantize', graph, tmp_path / 'int8.onnx', '--images')
    assert run_command(*quantize, 'gone.png') == 2
    assert 'segda quantize: gone.png is missing' in capsys.readouterr().err
    assert not (tmp_path / 'int8.onnx').exists()


def test_verification_fails_a_wrong_graph(
    deployed, tmp_path, run_command, monkeypatch, capsys
):
    config, checkpoint, graph = deployed
    image, again = data_of(deployed) / 'val/0.png', tmp_path / 'again.onnx'
    words = (config, checkpoint, again, '--size', '64x32', '--verify', image)
    assert run_command('export', *words) == 0
    assert 'agreement: 1.0' in capsys.readouterr().out
    assert again.read_bytes() == graph.read_bytes()

    disagrees = dict(passed=False, agreement=0.99)
    monkeypatch.setattr('segda_mm.apis.verify_onnx', lambda *_: disagrees)
    assert run_command('export', *words) == 1
    assert 'the graph does not predict as the model' in capsys.readouterr().err


def test_quantized_accuracy(deployed, tmp_path, run_command, run_program):
    config, checkpoint, graph = deployed
    int8 = tmp_path / 'int8.onnx'
    images = sorted((data_of(deployed) / 'train').glob('*.png'))
    words = (graph, int8, '--images', *images)
    assert run_command('quantize', *words) == 0

    rows = tmp_path / 'rows.jsonl'
    words = (config, checkpoint, graph, int8, '--threads', 1, '--out', rows)
    run_program('studies/benchmarks/quantized_accuracy.py', *words)
    results = json.loads(rows.read_text())['results']
    assert results['net.onnx'] == results['model']
    assert results['model']['agreement'] == 1
    assert 0.5 < results['int8.onnx']['agreement'] < 1
    assert results['int8.onnx'].keys() == results['model'].keys()
