import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm import Predictor
from segda_mm.apis import (
    PreflightError,
    evaluate,
    export_onnx,
    export_segmentor,
    label,
    load_config,
    load_model,
    train,
    verify_onnx,
)
from segda_mm.apis.network_stride import find_stride
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet, tiny_ddrnet, tiny_pidnet, tiny_unet
from segda_mm.testing.toy_job import toy_pictures, write_pair

UNEVEN = (45, 60)
STRIDES = [(tiny_pidnet, 8), (tiny_unet, 8), (lambda n=4: tiny_unet(n, 6), 32)]


@pytest.fixture
def job(toy_config):
    """A function: the toy job with a network, validated on images of 60x45."""

    def make(network, **changes):
        cfg = load_config(toy_config, changes)
        preprocessor = dict(cfg.model.data_preprocessor, size=UNEVEN, test_cfg=None)
        cfg.model = dict(network(3), data_preprocessor=preprocessor)
        for file in toy_config.parent.parent.glob('data/*/*/*.png'):
            with Image.open(file) as image:
                image.resize(UNEVEN[::-1], Image.Resampling.NEAREST).save(file)
        torch.manual_seed(0)
        init_default_scope('mmseg')
        checkpoint = toy_config.with_suffix('.pth')
        torch.save(MODELS.build(cfg.model).state_dict(), checkpoint)
        cfg.dump(toy_config)
        return load_config(toy_config), checkpoint

    return make


@pytest.mark.parametrize(
    'network, stride', [*STRIDES, (tiny_bisenet, 1), (tiny_ddrnet, 8)]
)
def test_the_stride_is_found_and_leaves_no_trace(network, stride):
    init_default_scope('mmseg')
    model = MODELS.build(network()).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(3)
    state = torch.get_rng_state()
    assert find_stride(model) == stride
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(part.training for part in model.modules())


@pytest.mark.parametrize('network, stride', STRIDES)
def test_uneven_images_are_padded_and_cropped_back_everywhere(
    job, tmp_path, network, stride
):
    cfg, checkpoint = job(network)
    drive = tmp_path / 'data/images/val'
    picture = np.asarray(Image.open(drive / '0.png').convert('RGB'))
    model = load_model(cfg, checkpoint)
    height, width = UNEVEN
    image = (torch.tensor(picture.copy()).permute(2, 0, 1).flip(0) - 110.0) / 70
    sides = (0, -width % stride, 0, -height % stride)
    with torch.no_grad():
        padded = F.pad(image[None], sides)
        meta = dict(img_shape=padded.shape[2:])
        expected = model.encode_decode(padded, [meta])[..., :height, :width]
    expected = expected[0].argmax(0).numpy()
    assert len(np.unique(expected)) > 1

    (frame,) = Predictor(checkpoint, cfg)(picture)
    np.testing.assert_array_equal(frame.labels, expected)
    label(cfg, checkpoint, str(drive), tmp_path / 'labels', tta=False, num_workers=0)
    written = np.asarray(Image.open(tmp_path / 'labels/0.png'))
    np.testing.assert_array_equal(written, expected)
    evaluate(load_config(cfg.filename), checkpoint, out=tmp_path / 'out')
    evaluated = np.asarray(Image.open(tmp_path / 'out/0.png'))
    np.testing.assert_array_equal(evaluated, expected)
    # The views of test-time augmentation, and windows, are as uneven.
    label(cfg, checkpoint, str(drive), tmp_path / 'views', num_workers=0)
    (frame,) = Predictor(checkpoint, cfg, window=(31, 33))(picture)
    assert frame.labels.shape == UNEVEN


def test_exported_networks_pad_as_well(job, tmp_path):
    cfg, checkpoint = job(tiny_ddrnet)
    export_onnx(cfg, checkpoint, tmp_path / 'net.onnx', size=UNEVEN[::-1])
    found = verify_onnx(cfg, checkpoint, tmp_path / 'net.onnx')
    assert found['passed'] and found['max_difference'] < 1e-3
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    config, _ = export_segmentor(cfg, checkpoint, tmp_path / 'plain.pth')
    preprocessor = Config.fromfile(config).model.data_preprocessor
    assert preprocessor.test_cfg == dict(size_divisor=8)


def test_a_training_pads_to_the_grid_and_validates(job, tmp_path):
    cfg, _ = job(tiny_ddrnet)
    runner = train(cfg)
    assert tuple(runner.model.data_preprocessor.size) == (48, 64)
    assert 'mIoU' in json.dumps([*runner.message_hub.log_scalars])


def test_validation_images_of_several_sizes_are_refused_before_the_training(
    toy_config, tmp_path
):
    image, labels = next(toy_pictures(1, 5))
    write_pair(tmp_path / 'data', 'val/1.png', image[:20], labels[:20])
    message = (
        r'val_dataloader.batch_size is 2, .*/0\.png \(64x32\) and .*/1\.png '
        r'\(64x20\); set val_dataloader.batch_size=1'
    )
    with pytest.raises(PreflightError, match=message):
        train(load_config(toy_config))
    assert not list((tmp_path / 'work').glob('*.pth'))
    checkpoint = tmp_path / 'net.pth'
    cfg = load_config(toy_config)
    torch.save(MODELS.build(cfg.model).state_dict(), checkpoint)
    with pytest.raises(PreflightError, match='test_dataloader.batch_size is 2'):
        evaluate(load_config(toy_config), checkpoint)
    # Resized to one size, or one by one, they are fine.
    resized = load_config(toy_config, {'train_cfg.max_epochs': 1})
    for loader in (resized.val_dataloader, resized.test_dataloader):
        loader.dataset.pipeline.insert(1, dict(type='Resize', scale=(64, 32)))
    train(resized)
    alone = {'test_dataloader.batch_size': 1}
    evaluate(load_config(toy_config, alone), checkpoint)
