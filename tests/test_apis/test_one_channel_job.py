"""A binary task with one sigmoid channel, from training to deployment."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.apis import inference_model, init_model
from PIL import Image

from segda_mm import Predictor
from segda_mm.apis import (
    evaluate,
    export_onnx,
    export_segmentor,
    label,
    load_config,
    train,
    verify_onnx,
)
from segda_mm.apis.training import find_checkpoint
from segda_mm.testing.tiny_models import one_channel
from segda_mm.testing.toy_job import write_toy_job
from segda_mm.visualization.confusion import read_confusion

LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config, checkpoint and folder of a job with class 2 merged into class 1."""
    folder = tmp_path_factory.mktemp('binary')
    config = write_toy_job(folder)
    for file in folder.glob('data/labels/*/*.png'):
        labels = np.array(Image.open(file))
        Image.fromarray(np.where(labels == 2, 1, labels)).save(file)
    cfg = Config.fromfile(config)
    one_channel(cfg.model, threshold=0.35)
    meta = dict(classes=('rest', 'thing'), palette=[[1, 2, 3], [9, 8, 7]])
    for key in LOADERS:
        cfg[key].dataset.metainfo = meta
    cfg.default_hooks.head_accuracy = dict(type='HeadAccuracyHook')
    images = dict(type='UnlabeledImageDataset', images=str(folder / 'data/images/val'))
    load = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    entropy = dict(batch_size=1, num_workers=0, dataset=dict(images, pipeline=load))
    cfg.custom_hooks = [dict(type='TargetEntropyHook', dataloader=entropy)]
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    cfg.dump(config)
    runner = train(load_config(config))
    scalars = runner.message_hub.log_scalars
    assert 0 < scalars['val/target_diversity'].current() <= 1
    assert 0 < scalars['train/decode.acc_seg'].current() < 100
    return config, find_checkpoint(runner.work_dir), folder


def predictions(trained, **kwargs):
    config, checkpoint, folder = trained
    predict = Predictor(checkpoint, config, device='cpu', **kwargs)
    return list(predict(folder / 'data/images/val'))


def test_predictions_and_their_confidence(trained):
    for frame in predictions(trained):
        of_thing = frame.confidence[frame.labels == 1]
        of_rest = frame.confidence[frame.labels == 0]
        assert len(of_thing) and of_thing.min() > 0.35
        assert not len(of_rest) or of_rest.min() >= 0.65


@pytest.mark.parametrize('tta', [False, True])
def test_evaluation_is_that_of_the_predictions(trained, tmp_path, tta):
    config, checkpoint, folder = trained
    out, shown = tmp_path / 'out', tmp_path / 'shown'
    given = dict(show_dir=shown, out=out, confusion=True)
    found = evaluate(load_config(config), checkpoint, tta, **given)
    assert len(list(shown.glob('*.png'))) == 3
    counts = np.zeros((2, 2))
    for frame in predictions(trained, tta=tta):
        assert (cv2.imread(str(out / f'{frame.name}.png'), -1) == frame.labels).all()
        truth = np.array(Image.open(folder / f'data/labels/val/{frame.name}.png'))
        known = truth != 255
        np.add.at(counts, (truth[known], frame.labels[known]), 1)
    (table,) = Path(load_config(config).work_dir).glob(f'*{"_tta" * tta}_confusion.csv')
    assert (read_confusion(table)[0] == counts).all()
    table.unlink()
    correct = counts.diagonal()
    iou = 100 * correct / (counts.sum(0) + counts.sum(1) - correct)
    assert found['metrics']['mIoU'] == pytest.approx(iou.mean(), abs=0.02)


@pytest.mark.parametrize('scope', ['image', 'dataset'])
def test_labels_void_the_less_confident_half(trained, tmp_path, scope):
    config, checkpoint, folder = trained
    median = dict(type='ClassMedian', cap=1.0, scope=scope)
    manifest = label(
        load_config(config),
        checkpoint,
        str(folder / 'data/images/val'),
        tmp_path,
        tta=False,
        pseudo_labeler=median,
        num_workers=0,
    )
    assert [entry['name'] for entry in manifest['classes']] == ['rest', 'thing']
    for frame in predictions(trained):
        labels = cv2.imread(str(tmp_path / f'{frame.name}.png'), -1)
        kept = labels != 255
        assert (labels[kept] == frame.labels[kept]).all()
        if scope == 'image':
            for of_class in np.unique(frame.labels):
                own = frame.labels == of_class
                middle = np.median(frame.confidence[own])
                assert frame.confidence[kept & own].min() >= middle - 0.01
    assert 0.2 < manifest['void_share'] < 0.55


@pytest.mark.parametrize('post_processing', [False, True])
def test_the_graph_predicts_as_the_model(trained, tmp_path, post_processing):
    config, checkpoint, folder = trained
    file = tmp_path / 'net.onnx'
    cfg = load_config(config)
    given = dict(size=(64, 32), post_processing=post_processing)
    metadata = export_onnx(cfg, checkpoint, file, **given)
    assert metadata['threshold'] == '0.35'
    images = sorted((folder / 'data/images/val').iterdir())
    found = verify_onnx(cfg, checkpoint, file, images)
    assert found['passed'] and found['agreement'] == 1
    assert post_processing or found['max_difference'] < 1e-4
    for ours, frame in zip(Predictor(file)(images), predictions(trained)):
        assert (ours.labels == frame.labels).all()
        if not post_processing:
            np.testing.assert_allclose(ours.confidence, frame.confidence, atol=1e-4)


def test_mmseg_predicts_with_the_export(trained, tmp_path):
    config, checkpoint, _ = trained
    files = export_segmentor(load_config(config), checkpoint, tmp_path / 'net.pth')
    model = init_model(*map(str, files), device='cpu')
    for frame in predictions(trained):
        found = inference_model(model, str(frame.path)).pred_sem_seg.data[0]
        assert (found.numpy() == frame.labels).all()
