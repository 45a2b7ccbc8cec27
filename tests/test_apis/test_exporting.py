import hashlib
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model

from segda_mm import __version__
from segda_mm.apis import PreflightError, export, export_segmentor, export_weights
from segda_mm.models.checkpoints import load_network_weights
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet, tiny_panoptic_deeplab


@pytest.fixture
def cfg():
    preprocessor = dict(
        type='DomainDataPreprocessor',
        mean=[123.0] * 3,
        std=[58.0] * 3,
        bgr_to_rgb=True,
        size_divisor=1,
    )
    segmentor = tiny_bisenet(num_classes=19)
    segmentor.backbone.backbone_cfg.init_cfg = dict(
        type='Pretrained', checkpoint='long/gone.pth'
    )
    model = dict(
        type='MetaPseudoLabels',
        data_preprocessor=preprocessor,
        generator=dict(type='SegmentorGenerator', segmentor=segmentor),
        discriminator=dict(type='DSCDiscriminator', num_classes=19),
        feedback_rule=dict(
            type='LossProductFeedback', growth_epochs=40, full_after_epoch=25
        ),
        student_adv_weight=0.001,
        teacher_adv_weight=1.0,
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='image'),
        label_batch_statistics=True,
        uda_probability=0.5,
        uda_sigma=0.5,
    )
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(64, 64), keep_ratio=False),
        dict(type='LoadLabelIds'),
        dict(type='PackSegInputs', meta_keys=('ori_shape', 'img_shape', 'own')),
    ]
    return Config(
        dict(
            default_scope='mmseg',
            model=model,
            test_pipeline=pipeline,
            test_dataloader=dict(dataset=dict(type='GTA5Dataset')),
        )
    )


@pytest.mark.parametrize('role', ['student', 'teacher'])
def test_mmseg_alone_predicts_the_same(cfg, role, tmp_path):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    trained = MODELS.build(cfg.model)
    torch.save(dict(state_dict=trained.state_dict()), tmp_path / 'run.pth')

    config, checkpoint = export_segmentor(
        cfg, tmp_path / 'run.pth', tmp_path / 'out/net.pth', role
    )
    assert 'segda_mm' not in config.read_text()
    assert 'LoadLabelIds' not in config.read_text()
    exported = init_model(str(config), str(checkpoint), device='cpu')
    assert exported.dataset_meta['classes'][:2] == ['road', 'sidewalk']

    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    predicted = inference_model(exported, image).seg_logits.data
    trained.predict_on = role
    trained.eval()
    batch = dict(inputs=[torch.from_numpy(image.transpose(2, 0, 1).copy())])
    inputs = trained.data_preprocessor(batch, False)['inputs']
    with torch.no_grad():
        expected = trained.predict(inputs)[0].seg_logits.data
    torch.testing.assert_close(predicted, expected)


def test_a_role_is_for_two_networks_only(cfg, tmp_path):
    cfg.model = dict(tiny_bisenet())
    with pytest.raises(PreflightError, match='EncoderDecoder with one network'):
        export_segmentor(cfg, 'run.pth', tmp_path / 'net.pth', 'teacher')


def test_the_suffix_chooses_what_is_written(cfg, tmp_path):
    init_default_scope('mmseg')
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'run.pth')
    cfg.test_dataloader.dataset.pipeline = cfg.test_pipeline
    for name, kind in (('net.pth', b'PK'), ('net.onnx', b'\x08')):
        file = export(cfg, tmp_path / 'run.pth', tmp_path / name)
        assert file.read_bytes().startswith(kind)
    with pytest.raises(PreflightError, match='must end in .pth or .onnx'):
        export(cfg, tmp_path / 'run.pth', tmp_path / 'net.bin')


def test_a_missing_checkpoint_is_named(cfg, tmp_path):
    with pytest.raises(PreflightError, match='absent.pth does not exist'):
        export_segmentor(cfg, 'absent.pth', tmp_path / 'net.pth')


def test_parts_that_mmseg_lacks_are_named(cfg, tmp_path):
    cfg.model = tiny_panoptic_deeplab()
    parts = (
        'HardPixelCrossEntropy, MaskedRegressionLoss, PanopticDeepLab, '
        'PanopticDeepLabHead, which MMSegmentation alone cannot build'
    )
    with pytest.raises(PreflightError, match=parts):
        export_segmentor(cfg, 'run.pth', tmp_path / 'net.pth')
    assert not list(tmp_path.iterdir())


def test_an_own_data_preprocessor_is_no_obstacle(cfg, tmp_path):
    preprocessor = cfg.model.data_preprocessor
    cfg.model = dict(tiny_bisenet(num_classes=19), data_preprocessor=preprocessor)
    torch.save(
        dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'run.pth'
    )
    config, _ = export_segmentor(cfg, tmp_path / 'run.pth', tmp_path / 'net.pth')
    assert 'DomainDataPreprocessor' not in config.read_text()


@pytest.fixture
def run(tmp_path):
    """A checkpoint with keys as a run of Meta Pseudo Labels has them."""
    init_default_scope('mmseg')
    state = {}
    for seed, role in enumerate(('student', 'teacher')):
        torch.manual_seed(seed)
        segmentor = MODELS.build(tiny_bisenet())
        for name, value in segmentor.state_dict().items():
            state[f'{role}_generator.segmentor.{name}'] = value
        state[f'{role}_discriminator.layers.weight'] = torch.full((2, 1), float(seed))
    file = tmp_path / 'epoch_3.pth'
    torch.save(dict(state_dict=state, meta=dict(epoch=3)), file)
    return file


def read_as_published(path):
    """The format by its description, with NumPy: header and arrays of float32."""
    data = path.read_bytes()
    start = 8 + int(np.frombuffer(data[:8], '<u8')[0])
    assert start % 8 == 0
    header = json.loads(data[8:start])
    metadata = header.pop('__metadata__')
    arrays, end = {}, 0
    for name, entry in sorted(
        header.items(), key=lambda item: tuple(item[1]['data_offsets'])
    ):
        begin, finish = entry['data_offsets']
        assert begin == end
        end = finish
        dtype = {'F32': '<f4', 'I64': '<i8'}[entry['dtype']]
        arrays[name] = np.frombuffer(data[start + begin : start + finish], dtype)
        arrays[name] = arrays[name].reshape(entry['shape'])
    assert start + end == len(data)
    return metadata, arrays


@pytest.mark.parametrize('dot', ['', '.'])
def test_one_network_for_us_and_for_others(run, tmp_path, dot):
    out = tmp_path / 'made' / 'teacher.safetensors'
    metadata = export_weights(run, out, f'teacher_generator.segmentor{dot}')
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
    written, arrays = read_as_published(out)
    assert written == metadata
    assert arrays.keys() == expected.keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name
        np.testing.assert_array_equal(arrays[name], expected[name].numpy())
    assert [path.name for path in out.parent.iterdir()] == [out.name]


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
    assert not out.exists()
    assert export_weights(run, out, '')['prefix'] == ''
    whole = torch.load(run, weights_only=True)['state_dict']
    assert read_as_published(out)[1].keys() == whole.keys()


def test_a_plain_segmentor_is_one_network(tmp_path):
    state = {'backbone.w': torch.ones(2), 'decode_head.w': torch.zeros(1, 1)}
    torch.save(state, tmp_path / 'net.pth')
    metadata = export_weights(tmp_path / 'net.pth', tmp_path / 'net.safetensors')
    assert metadata['prefix'] == ''
    # And from one such file to another.
    again = tmp_path / 'again.safetensors'
    export_weights(tmp_path / 'net.safetensors', again, 'backbone')
    assert read_as_published(again)[1]['w'].tolist() == [1, 1]


def test_what_cannot_be_done_is_told(run, tmp_path):
    with pytest.raises(PreflightError, match='must end in .safetensors'):
        export_weights(run, tmp_path / 'a.pth', '')
    with pytest.raises(PreflightError, match='gone.pth does not exist'):
        export_weights(tmp_path / 'gone.pth', tmp_path / 'a.safetensors')
    odd = {'backbone.w': torch.zeros(2, dtype=torch.complex128)}
    torch.save(odd, tmp_path / 'c.pth')
    with pytest.raises(PreflightError, match='c.pth: no .* can be made of these'):
        export_weights(tmp_path / 'c.pth', tmp_path / 'a.safetensors')
    torch.save({}, tmp_path / 'empty.pth')
    with pytest.raises(PreflightError, match='holds 0 networks'):
        export_weights(tmp_path / 'empty.pth', tmp_path / 'a.safetensors')
    assert not (tmp_path / 'a.safetensors').exists()
