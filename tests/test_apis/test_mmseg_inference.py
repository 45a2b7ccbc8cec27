"""mmseg's own ways to one image, with configs as they are shipped and exported."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import MMSegInferencer, inference_model, init_model

from segda_mm import Predictor
from segda_mm.apis import export_segmentor
from segda_mm.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


def _without_first_weights(node):
    if isinstance(node, dict):
        node.pop('init_cfg', None)
        for child in node.values():
            _without_first_weights(child)


@pytest.fixture
def picture(tmp_path):
    blocks = np.random.default_rng(0).integers(256, size=(8, 16, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'street.png'), blocks.repeat(8, 0).repeat(8, 1))
    return str(tmp_path / 'street.png')


@pytest.mark.parametrize(
    'name',
    [
        'supervised/supervised_bisenetv1-r18_minicity-gta5-128x256',
        'mpl/mpl-product-dsc_bisenetv1-r18_minicity-128x256',
        'panoptic_deeplab/panoptic-deeplab_r18_minicity-128x256',
        'exported',
    ],
)
def test_all_of_them_predict_what_the_predictor_does(name, picture, tmp_path):
    exported = name == 'exported'
    if exported:
        name = 'adversarial/adversarial-dsc_bisenetv1-r18_minicity-128x256'
    config, checkpoint = str(CONFIGS / f'{name}.py'), str(tmp_path / 'net.pth')
    cfg = Config.fromfile(config)
    _without_first_weights(cfg.model)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state, meta={}), checkpoint)
    if exported:
        files = export_segmentor(
            Config.fromfile(config), checkpoint, tmp_path / 'out/net.pth'
        )
        config, checkpoint = map(str, files)
    (frame,) = Predictor(checkpoint, config, device='cpu')(picture)
    model = init_model(config, checkpoint, device='cpu')
    for given in (picture, cv2.imread(picture)):
        sample = inference_model(model, given)
        np.testing.assert_array_equal(sample.pred_sem_seg.data[0], frame.labels)
    inferencer = MMSegInferencer(config, checkpoint, device='cpu')
    found = inferencer(picture)['predictions']
    np.testing.assert_array_equal(found, frame.labels)
    if exported:
        assert inferencer.visualizer.dataset_meta['classes'][0] == 'road'
