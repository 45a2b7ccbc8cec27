"""Models that contradict themselves, their labels or their images."""

import numpy as np
import pytest
import torch
from PIL import Image

from segda_mm import Predictor
from segda_mm.apis import (
    PreflightError,
    evaluate,
    export_onnx,
    label,
    load_config,
    train,
)
from segda_mm.apis.checks.models import config_key, require_channels
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job

HEAD = 'model.decode_head'
BINARY = {
    f'model.{head}.{key}': value
    for head in ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1')
    for key, value in (('num_classes', 2), ('out_channels', 1), ('threshold', 0.5))
}
SIGMOID = {
    f'model.{head}.loss_decode.use_sigmoid': True
    for head in ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1')
}
LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    return write_toy_job(tmp_path_factory.mktemp('job'))


@pytest.mark.parametrize(
    'options, message',
    [
        (
            {'model.auxiliary_head.1.num_classes': 1},
            r'model.auxiliary_head.1.num_classes is 1, .* out_channels=1',
        ),
        (
            BINARY,
            'loss_decode is a PixelCrossEntropyLoss that does not tell .*use_sigmoid',
        ),
        (
            {
                **BINARY,
                **SIGMOID,
                f'{HEAD}.loss_decode': [
                    dict(type='CrossEntropyLoss', use_sigmoid=True),
                    dict(type='DiceLoss', loss_name='loss_dice'),
                ],
            },
            'decode_head.loss_decode.1 is a DiceLoss that does not tell two classes',
        ),
        ({**BINARY, **SIGMOID, f'{HEAD}.threshold': 1.0}, 'threshold is 1.0, but not'),
        (
            {f'{HEAD}.loss_decode.class_weight': [1.0] * 4},
            f'{HEAD}.loss_decode.class_weight has 4 entries, .* 3 output channels',
        ),
        (
            {
                **BINARY,
                **SIGMOID,
                'model.auxiliary_head.0.loss_decode.class_weight': [1.0, 2.0],
            },
            r'auxiliary_head.0.loss_decode.class_weight has 2 entries.* 1 output chan',
        ),
        (
            {
                f'{HEAD}.loss_decode': dict(
                    _delete_=True, type='FocalLoss', class_weight=[1.0]
                )
            },
            'class_weight has 1 entries',
        ),
        ({f'{HEAD}.ignore_index': 254}, f'{HEAD}.ignore_index is 254, .*254: 255'),
        (
            {'model.auxiliary_head.0.ignore_index': 0},
            'auxiliary_head.0.ignore_index is 0, but void is 255',
        ),
        (
            {
                f'{HEAD}.loss_decode': dict(
                    _delete_=True, type='TverskyLoss', ignore_index=0
                )
            },
            f'{HEAD}.loss_decode.ignore_index is 0',
        ),
        (
            {'model.data_preprocessor.seg_pad_val': 254},
            'data_preprocessor.seg_pad_val is 254',
        ),
        (
            {'val_evaluator.0.ignore_index': 0},
            'ignore_index of PerClassIoUMetric is 0',
        ),
        (
            {'val_dataloader.dataset.ignore_index': 7},
            'val_dataloader.dataset.ignore_index is 7',
        ),
    ],
)
def test_what_contradicts_itself_is_not_trained(job, options, message):
    with pytest.raises(PreflightError, match=message):
        train(load_config(job, options))
    assert not list((job.parent.parent / 'work').glob('*.pth'))


def test_evaluations_too(job, tmp_path):
    checkpoint = random_weights(job, {}, tmp_path)
    for key, message in (
        ('test_evaluator.0.ignore_index', 'PerClassIoUMetric is 2'),
        ('test_dataloader.dataset.ignore_index', 'dataset.ignore_index is 2'),
        (f'{HEAD}.ignore_index', f'{HEAD}.ignore_index is 2'),
    ):
        with pytest.raises(PreflightError, match=message):
            evaluate(load_config(job, {key: 2}), checkpoint)


def test_one_wrong_mask_of_many(tmp_path):
    job = write_toy_job(tmp_path)
    wrong = {}
    for split, index in (('train', 3), ('val', 2)):
        file = wrong[split] = tmp_path / f'data/labels/{split}/{index}.png'
        Image.open(file).resize((30, 20)).save(file)
    with pytest.raises(
        PreflightError, match=f'^train_dataloader.dataset: {wrong["train"]}'
    ):
        train(load_config(job))
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(wrong['train'])
    with pytest.raises(
        PreflightError, match=f'^val_dataloader.dataset: {wrong["val"]}'
    ):
        train(load_config(job))
    checkpoint = random_weights(job, {}, tmp_path)
    with pytest.raises(PreflightError, match=f'{wrong["val"]}: label is 30x20 pixels'):
        evaluate(load_config(job), checkpoint)


def random_weights(job, options, folder):
    torch.manual_seed(0)
    model = MODELS.build(load_config(job, options).model)
    file = folder / 'net.pth'
    torch.save(dict(state_dict=model.state_dict()), file)
    return file


def channels(count, mean=1, color_type='unchanged'):
    """Options of a network of `count` channels."""
    load = dict(type='LoadImageFromFile', color_type=color_type)
    options = {f'{key}.dataset.pipeline.0': load for key in LOADERS}
    options['tta_pipeline.0'] = load
    options['model.backbone.backbone_cfg.in_channels'] = count
    options['model.backbone.in_channels'] = count
    for key in ('mean', 'std'):
        options[f'model.data_preprocessor.{key}'] = [100] * mean
    return options


@pytest.fixture
def stored(tmp_path, request):
    """A job whose image files have so many channels."""
    job = write_toy_job(tmp_path)
    for file in tmp_path.glob('data/images/*/*.png'):
        array = np.array(Image.open(file))
        array = np.concatenate([array, array[..., :1]], 2)[..., : request.param]
        Image.fromarray(array.squeeze()).save(file)
    return job


@pytest.mark.parametrize(
    'stored, options',
    [
        (4, channels(4)),
        (1, channels(1)),
        (3, channels(1, color_type='grayscale')),
        # One value for each of three colours, and files in grey.
        (1, channels(3, mean=3)),
    ],
    indirect=['stored'],
)
def test_other_numbers_of_channels_work(stored, options, tmp_path):
    cfg = load_config(stored, {**options, 'train_cfg.max_epochs': 1})
    runner = train(cfg)
    (checkpoint,) = (tmp_path / 'work').glob('*.pth')
    assert runner.iter == 2
    evaluate(load_config(stored, options), checkpoint, tta=True)
    images = str(tmp_path / 'data/images/val')
    given = dict(tta=False, num_workers=0)
    label(load_config(stored, options), checkpoint, images, tmp_path / 'out', **given)
    predicted = Predictor, (checkpoint, load_config(stored, options))
    if options['model.backbone.in_channels'] == 4:
        with pytest.raises(
            PreflightError, match='as it is read here, has 3 channels.*4'
        ):
            predicted[0](*predicted[1])
    else:
        for frame in predicted[0](*predicted[1])(images):
            labels = np.array(Image.open(tmp_path / f'out/{frame.name}.png'))
            assert (frame.labels == labels).mean() > 0.98
    if options['model.backbone.in_channels'] != 3:
        with pytest.raises(PreflightError, match=r'of a graph \(RGB\) has 3 channels'):
            export_onnx(
                load_config(stored, options),
                checkpoint,
                tmp_path / 'n.onnx',
                size=(64, 32),
            )


@pytest.mark.parametrize(
    'stored, options, message',
    [
        (
            4,
            channels(3),
            r'0.png has 4 channels, but the network takes 3\. Let in_chan',
        ),
        (4, channels(4, mean=3), 'has 4 channels, .* mean and std of 3, .* takes 4'),
        (3, channels(4), 'has 3 channels, but the network takes 4'),
        (1, channels(1, mean=3), 'has 1 channel, .* mean and std of 3, .* takes 1'),
        (3, channels(1, color_type='color'), 'has 3 channels, but the network takes 1'),
    ],
    indirect=['stored'],
)
def test_images_that_do_not_suit_the_network(stored, options, message, tmp_path):
    checkpoint = random_weights(stored, options, tmp_path)
    images = str(tmp_path / 'data/images/val')
    for command in (
        lambda cfg: train(cfg),
        lambda cfg: evaluate(cfg, checkpoint),
        lambda cfg: label(
            cfg, checkpoint, images, tmp_path / 'out', tta=False, num_workers=0
        ),
    ):
        with pytest.raises(PreflightError, match=message):
            command(load_config(stored, options))
    assert not list(tmp_path.glob('out/*.png'))


@pytest.mark.parametrize('stored', [1, 4], indirect=True)
def test_transforms_for_colours(stored):
    steps = [
        dict(type='LoadImageFromFile', color_type='unchanged'),
        dict(type='LoadAnnotations'),
        dict(type='PhotoMetricDistortion'),
        dict(type='PackSegInputs'),
    ]
    options = {**channels(4), 'train_dataloader.dataset.pipeline': steps}
    with pytest.raises(
        PreflightError,
        match=r'train_dataloader.dataset has images of \d channels?, but Photo',
    ):
        train(load_config(stored, options))


def test_a_backbone_may_share_channels_out(job):
    class TwoStreams(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.color = torch.nn.Conv2d(3, 4, 3)
            self.heat = torch.nn.Conv2d(1, 4, 3)

        def forward(self, images):
            return [self.color(images[:, :3]) + self.heat(images[:, 3:])]

    options = channels(3, mean=1)
    model = MODELS.build(load_config(job, options).model)
    model.backbone = TwoStreams()
    require_channels(model, torch.zeros(4, 8, 8), 'it')
    with pytest.raises(PreflightError, match='it has 3 channels'):
        model.backbone.color = torch.nn.Conv2d(2, 4, 3)
        require_channels(model, torch.zeros(3, 8, 8), 'it')


def test_keys_are_those_of_the_config():
    for module, key in (
        ('decode_head', 'model.decode_head'),
        (
            'generator.segmentor.auxiliary_head.1',
            'model.generator.segmentor.auxiliary_head.1',
        ),
        (
            'student_generator.segmentor.decode_head',
            'model.generator.segmentor.decode_head',
        ),
        ('module.decode_head', 'model.decode_head'),
    ):
        assert config_key(module) == key
