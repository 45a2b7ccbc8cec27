import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model

from segda_mm.apis import PreflightError, export_segmentor
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
        threshold_cap=0.9,
        threshold_scope='image',
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
