import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model
from safetensors import safe_open

from segda_mm import __version__
from segda_mm.apis import PreflightError, export, export_segmentor, export_weights
from segda_mm.models.checkpoints import load_network_weights
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet, tiny_panoptic_deeplab
from segda_mm.testing.tiny_methods import tiny_method_config

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture
def cfg():
    """Of Meta Pseudo Labels, for images of 256x128."""
    cfg = tiny_method_config('mpl', CONFIGS, 'world')
    cfg.model.generator.segmentor.backbone.backbone_cfg.init_cfg = dict(
        type='Pretrained', checkpoint='long/gone.pth'
    )
    return cfg


def saved(cfg, path):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), path)
    return model.eval()


@pytest.mark.parametrize(
    'method, role', [('mpl', 'student'), ('mpl', 'teacher'), ('heavy_teacher', 'light')]
)
def test_mmseg_alone_predicts_the_same(method, role, tmp_path):
    cfg = tiny_method_config(method, CONFIGS, 'world')
    trained = saved(cfg, tmp_path / 'run.pth')
    checkpoint = export(cfg, tmp_path / 'run.pth', tmp_path / 'out/net.pth', role)
    config = checkpoint.with_suffix('.py')
    assert 'segda_mm' not in config.read_text()
    assert 'LoadLabelIds' not in config.read_text()
    exported = init_model(str(config), str(checkpoint), device='cpu')
    assert exported.dataset_meta['classes'][:2] == ['road', 'sidewalk']

    image = np.random.default_rng(0).integers(0, 256, (128, 256, 3), np.uint8)
    predicted = inference_model(exported, image).seg_logits.data
    trained.predict_on = role
    batch = dict(inputs=[torch.from_numpy(image.transpose(2, 0, 1).copy())])
    inputs = trained.data_preprocessor(batch, False)['inputs']
    with torch.no_grad():
        expected = trained.predict(inputs)[0].seg_logits.data
    torch.testing.assert_close(predicted, expected)


def test_the_suffix_chooses_what_is_written(cfg, tmp_path):
    saved(cfg, tmp_path / 'run.pth')
    file = export(cfg, tmp_path / 'run.pth', tmp_path / 'net.onnx')
    assert file.read_bytes().startswith(b'\x08')
    with pytest.raises(PreflightError, match='must end in .pth or .onnx'):
        export(cfg, tmp_path / 'run.pth', tmp_path / 'net.bin')


def test_what_mmseg_cannot_have_is_told(cfg, tmp_path):
    run, out = tmp_path / 'run.pth', tmp_path / 'net.pth'
    with pytest.raises(PreflightError, match='absent.pth does not exist'):
        export_segmentor(cfg, 'absent.pth', out)
    cfg.model = tiny_panoptic_deeplab()
    saved(cfg, run)
    with pytest.raises(PreflightError, match='PanopticDeepLabHead, which MMSegm'):
        export_segmentor(cfg, run, out)
    with pytest.raises(PreflightError, match='PanopticDeepLab, with one network'):
        export_segmentor(cfg, run, out, 'teacher')
    assert not out.exists()


@pytest.fixture
def run(tmp_path):
    """A checkpoint with keys as a run of Meta Pseudo Labels has them."""
    init_default_scope('mmseg')
    state = {}
    for seed, role in enumerate(('student', 'teacher')):
        torch.manual_seed(seed)
        for name, value in MODELS.build(tiny_bisenet()).state_dict().items():
            state[f'{role}_generator.segmentor.{name}'] = value
        state[f'{role}_discriminator.layers.weight'] = torch.full((2, 1), float(seed))
    file = tmp_path / 'epoch_3.pth'
    torch.save(dict(state_dict=state, meta=dict(epoch=3)), file)
    return file


def test_one_network_for_us_and_for_others(run, tmp_path):
    out = tmp_path / 'made' / 'teacher.safetensors'
    metadata = export_weights(run, out, 'teacher_generator.segmentor')
    assert metadata == dict(
        format='pt',
        source='epoch_3.pth',
        source_sha256=hashlib.sha256(run.read_bytes()).hexdigest(),
        prefix='teacher_generator.segmentor.',
        writer=f'segda-mm {__version__}',
    )
    torch.manual_seed(7)
    network = MODELS.build(tiny_bisenet())
    load_network_weights(network, out, '')
    torch.manual_seed(1)
    expected = MODELS.build(tiny_bisenet()).state_dict()
    with safe_open(out, 'np') as written:
        assert written.metadata() == metadata
        assert set(written.keys()) == expected.keys()
        for name, value in network.state_dict().items():
            assert torch.equal(value, expected[name]), name
            np.testing.assert_array_equal(written.get_tensor(name), value.numpy())
    assert [path.name for path in out.parent.glob('[!.]*')] == [out.name]


def test_the_network_must_be_named_where_there_are_several(run, tmp_path):
    out = tmp_path / 'a.safetensors'
    networks = (
        'student_generator.segmentor., student_discriminator., '
        'teacher_generator.segmentor., teacher_discriminator.'
    )
    with pytest.raises(PreflightError, match=f'holds 4 networks.*: {networks}$'):
        export_weights(run, out)
    with pytest.raises(PreflightError, match=f"under 'pupil.'; its.*: {networks}$"):
        export_weights(run, out, 'pupil')
    with pytest.raises(PreflightError, match='must end in .safetensors or .pth'):
        export_weights(run, tmp_path / 'a.bin', '')
    assert not out.exists()
    assert export_weights(run, out, '')['prefix'] == ''
    # Of a file of a plain segmentor, there is one only.
    plain = tmp_path / 'plain.safetensors'
    export_weights(run, plain, 'student_generator.segmentor')
    assert export_weights(plain, out)['prefix'] == ''
