"""A backbone is trained as a classifier, and a segmentor starts from it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.apis import load_config, train
from segda_mm.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
SLIM = dict(
    wr41=dict(width_multiplier=1 / 16),
    x71=dict(width_multiplier=1 / 16, middle_modules=1),
)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Two classes of three images, as folders."""
    root = tmp_path_factory.mktemp('imagenet')
    for label, name in enumerate(('dark', 'light')):
        for split in ('train', 'val'):
            (root / split / name).mkdir(parents=True)
            for index in range(2):
                image = np.full((40, 48, 3), 60 + 100 * label + 10 * index, np.uint8)
                Image.fromarray(image).save(root / split / name / f'{index}.JPEG')
    return root


def tiny_classifier(config, images, work_dir):
    """The config of a folder of ImageNet, for two classes of small images."""
    cfg = load_config(CONFIGS / 'imagenet' / config, work_dir=work_dir)
    slim = SLIM[config.split('_')[1].split('-')[0]]
    cfg.model.backbone.update(slim)
    (channels,) = MODELS.build(cfg.model.backbone).feature_channels
    cfg.model.head.update(num_classes=2, in_channels=channels)
    cfg.model.data_preprocessor.num_classes = 2
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[key].update(batch_size=2, num_workers=0, persistent_workers=False)
        dataset = cfg[key].dataset
        dataset.update(data_root=str(images), type='mmpretrain.CustomDataset')
        dataset.data_prefix = dataset.pop('split')
        for step in dataset.pipeline:
            step.update({k: 33 for k in ('scale', 'crop_size') if k in step})
    cfg.train_cfg.max_epochs = 1
    cfg.val_evaluator.topk = cfg.test_evaluator.topk = (1,)
    return cfg


@pytest.mark.parametrize(
    ('config', 'panoptic', 'amp'),
    [
        ('classifier_wr41-drop-path_imagenet-224x224.py', 'wr41', False),
        ('classifier_x71_imagenet-299x299.py', 'x71', True),
    ],
)
def test_a_segmentor_starts_from_a_classifier(images, tmp_path, config, panoptic, amp):
    init_default_scope('mmseg')
    cfg = tiny_classifier(config, images, tmp_path / 'work')
    runner = train(cfg, amp=amp)
    assert runner.iter == 2
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    checkpoint = tmp_path / 'work' / 'epoch_1.pth'

    base = load_config(CONFIGS / '_base_/models' / f'panoptic_deeplab_{panoptic}.py')
    # The classifier that a segmentor looks for is one that a config makes.
    made_by, epoch = Path(base.imagenet_checkpoint).parts[1:]
    assert made_by == Path(config).stem
    assert epoch == 'epoch_90.pth'

    settings = dict(base.model.backbone, **SLIM[panoptic])
    assert settings['init_cfg']['checkpoint'] == base.imagenet_checkpoint
    settings['init_cfg'] = dict(settings['init_cfg'], checkpoint=str(checkpoint))
    backbone = MODELS.build(settings)
    backbone.init_weights()
    trained = torch.load(checkpoint, weights_only=True)['state_dict']
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, trained[f'backbone.{name}']), name
