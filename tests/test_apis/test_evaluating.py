"""Evaluation of the toy job, through files."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.apis import PreflightError, evaluate, load_config, train
from segda_mm.apis.training import find_checkpoint
from segda_mm.registry import MODELS


def save_untrained(path, cfg, seed=0):
    init_default_scope('mmseg')
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return model.eval()


def test_results_against_predictions_counted_by_hand(toy_config, tmp_path):
    cfg = load_config(toy_config)
    checkpoint = tmp_path / 'net.pth'
    save_untrained(checkpoint, cfg)
    show, out = tmp_path / 'show', tmp_path / 'out'
    results = evaluate(cfg, checkpoint, show_dir=show, out=out)

    shares, intersection, union = [], np.zeros(3), np.zeros(3)
    for path in (tmp_path / 'data' / 'labels' / 'val').iterdir():
        truth = np.asarray(Image.open(path))
        prediction = np.asarray(Image.open(out / path.name))
        shares.append((prediction == truth).mean())
        valid = truth != 255
        for index in range(3):
            mine, theirs = prediction[valid] == index, truth[valid] == index
            intersection[index] += (mine & theirs).sum()
            union[index] += (mine | theirs).sum()
    metrics = results['metrics']
    assert metrics['pixel_precision'] == pytest.approx(100 * np.mean(shares), abs=0.01)
    iou = 100 * intersection / union
    assert list(results['per_class_iou'].values()) == pytest.approx(list(iou), abs=0.01)
    assert list(results['per_class_iou']) == ['road', 'car', 'sky']
    assert metrics['mIoU'] == pytest.approx(iou.mean(), abs=0.01)
    assert set(metrics) == {'aAcc', 'mIoU', 'mAcc', 'pixel_precision'}
    assert results['num_images'] == 3

    written = json.loads((tmp_path / 'work' / 'net_metrics.json').read_text())
    assert written == results
    pictures = sorted(show.glob('*.png'))
    assert len(pictures) == 3
    assert Image.open(pictures[0]).size == (3 * 64, 32)


def test_tta_is_the_mean_over_scales_and_flips(toy_config, tmp_path):
    cfg = load_config(toy_config)
    # Scale 1 only, so that the views can be made without an image library.
    cfg.tta_pipeline[1].transforms.pop(0)
    # What a config inherits, and its model has changed.
    cfg.data_preprocessor = dict(
        cfg.model.data_preprocessor, mean=[0] * 3, test_cfg=dict(size=(64, 128))
    )
    checkpoint = tmp_path / 'net.pth'
    model = save_untrained(checkpoint, cfg, seed=3)
    out = tmp_path / 'out'
    results = evaluate(cfg, checkpoint, tta=True, out=out)

    for path in (tmp_path / 'data' / 'images' / 'val').iterdir():
        image = np.asarray(Image.open(path)).astype(np.float32)
        pixels = torch.from_numpy((image - 110) / 70).permute(2, 0, 1)
        meta = dict(ori_shape=(32, 64), img_shape=(32, 64), pad_shape=(32, 64))
        with torch.no_grad():
            plain, flipped = model.encode_decode(
                torch.stack([pixels, pixels.flip(-1)]), [meta] * 2
            ).softmax(1)
        expected = ((plain + flipped.flip(-1)) / 2).argmax(0).numpy()
        assert not np.array_equal(expected, plain.argmax(0).numpy())
        written = np.asarray(Image.open(out / path.name))
        # Sums in another order may turn a tie.
        assert (written == expected).mean() > 0.999
    assert results['tta'] is True
    assert (tmp_path / 'work' / 'net_tta_metrics.json').is_file()


def test_an_evaluation_leaves_the_config_of_the_training(toy_config):
    cfg = load_config(toy_config, ['train_cfg.max_epochs=1'])
    train(cfg)
    stored = Path(cfg.work_dir, toy_config.name)
    trained_with = stored.read_text()
    evaluate(load_config(toy_config), find_checkpoint(cfg.work_dir), tta=True)
    assert stored.read_text() == trained_with
    assert 'SemanticTTA' not in Config.fromfile(stored).model.type


def test_checkpoints_that_do_not_fit_are_refused(toy_config, tmp_path):
    cfg = load_config(toy_config)
    with pytest.raises(PreflightError, match='there is no checkpoint'):
        evaluate(cfg, tmp_path / 'gone.pth')
    stranger = tmp_path / 'stranger.pth'
    torch.save(dict(state_dict={'backbone.x': torch.zeros(1)}), stranger)
    with pytest.raises(PreflightError, match='do not fit'):
        evaluate(cfg, stranger)


def test_tta_without_its_config_keys(toy_config, tmp_path):
    for key in ('tta_model', 'tta_pipeline'):
        cfg = load_config(toy_config, {key: None})
        (tmp_path / 'net.pth').touch()
        with pytest.raises(PreflightError, match=f'`{key}`'):
            evaluate(cfg, tmp_path / 'net.pth', tta=True)


@pytest.mark.parametrize('tta', [False, True])
@pytest.mark.parametrize('kind', ['no loader', 'a loader', 'no metainfo', 'of mmseg'])
def test_images_without_labels_are_drawn_alone(toy_config, tmp_path, kind, tta):
    cfg = load_config(toy_config)
    save_untrained(tmp_path / 'net.pth', cfg)
    given = cfg.test_dataloader.dataset
    evaluate(copy.deepcopy(cfg), tmp_path / 'net.pth', tta, show_dir=tmp_path / 'both')
    load, labels, pack = given.pipeline
    changed = dict(
        type='UnlabeledImageDataset',
        images=str(tmp_path / 'data/images/val'),
        metainfo=given.metainfo,
        pipeline=[load, *[labels] * (kind == 'a loader'), pack],
    )
    if kind == 'no metainfo':
        del changed['metainfo']
    elif kind == 'of mmseg':
        prefix = dict(img_path='images/val')
        changed = dict(given, data_prefix=prefix, pipeline=[load, pack])
    cfg.test_dataloader.dataset = changed
    with pytest.raises(PreflightError, match=r'test_dataloader\.dataset has no labels'):
        evaluate(copy.deepcopy(cfg), tmp_path / 'net.pth', tta)
    if kind == 'no metainfo':
        with pytest.raises(PreflightError, match='does not say how to draw'):
            evaluate(cfg, tmp_path / 'net.pth', tta, show_dir=tmp_path / 'alone')
        return
    results = evaluate(cfg, tmp_path / 'net.pth', tta, show_dir=tmp_path / 'alone')
    assert (results['num_images'], results['metrics']) == (3, {})
    for path in (tmp_path / 'both').glob('*.png'):
        both = np.asarray(Image.open(path))
        alone = np.asarray(Image.open(tmp_path / 'alone' / path.name))
        # The image and the prediction, without a truth between.
        expected = np.hstack([both[:, :64], both[:, -64:]])
        np.testing.assert_array_equal(alone, expected)
