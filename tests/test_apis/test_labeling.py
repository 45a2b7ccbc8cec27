"""Labelling with networks of files, against their own predictions."""

import copy
import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.apis import PreflightError, label, load_config
from segda_mm.apis import test as evaluate
from segda_mm.registry import MODELS


def save_untrained(cfg, path, seed=0):
    init_default_scope('mmseg')
    torch.manual_seed(seed)
    model = MODELS.build(copy.deepcopy(cfg.model))
    torch.save(dict(state_dict=model.state_dict()), path)
    return model.eval()


def labels_in(folder):
    return {path.name: np.asarray(Image.open(path)) for path in folder.rglob('*.png')}


@pytest.mark.parametrize('tta', [True, False])
def test_labels_are_the_predictions_of_the_evaluation(toy_config, tmp_path, tta):
    cfg = load_config(toy_config)
    save_untrained(cfg, tmp_path / 'net.pth')
    evaluate(copy.deepcopy(cfg), tmp_path / 'net.pth', tta=tta, out=tmp_path / 'pred')
    # No label can be read from now on.
    for path in (tmp_path / 'data' / 'labels').rglob('*.png'):
        path.write_bytes(b'no image')
    before = cfg.pretty_text
    manifest = label(
        cfg,
        tmp_path / 'net.pth',
        str(tmp_path / 'data' / 'images' / 'val'),
        tmp_path / 'out',
        tta=tta,
        batch_size=2,
    )
    assert cfg.pretty_text == before
    predictions, labels = labels_in(tmp_path / 'pred'), labels_in(tmp_path / 'out')
    assert len(labels) == 3
    for name in predictions:
        np.testing.assert_array_equal(labels[name], predictions[name])
    assert [entry['name'] for entry in manifest['classes']] == ['road', 'car', 'sky']


def test_another_checkpoint_or_setting_is_refused(toy_config, tmp_path):
    cfg = load_config(toy_config)
    save_untrained(cfg, tmp_path / 'net.pth')
    save_untrained(cfg, tmp_path / 'other.pth', seed=1)
    images = str(tmp_path / 'data' / 'images' / 'val')
    label(cfg, tmp_path / 'net.pth', images, tmp_path / 'out')
    before = {p: p.read_bytes() for p in (tmp_path / 'out').rglob('*.*')}

    with pytest.raises(PreflightError) as raised:
        label(cfg, tmp_path / 'other.pth', images, tmp_path / 'out')
    assert str(tmp_path / 'net.pth') in str(raised.value)
    assert str(tmp_path / 'other.pth') in str(raised.value)
    with pytest.raises(PreflightError, match='- model.* was .*SemanticTTA'):
        label(cfg, tmp_path / 'net.pth', images, tmp_path / 'out', tta=False)
    changed = copy.deepcopy(cfg)
    changed.tta_pipeline[1].transforms[0][0].scale_factor = 0.5
    with pytest.raises(PreflightError, match='- pipeline was '):
        label(changed, tmp_path / 'net.pth', images, tmp_path / 'out')
    # The config of a labelled data set is labelled without its labels.
    dataset = cfg.train_dataloader.dataset
    with pytest.raises(PreflightError, match='- images was .*/val/.* is .*/train'):
        label(cfg, tmp_path / 'net.pth', dataset, tmp_path / 'out')
    manifest = label(cfg, tmp_path / 'net.pth', dataset, tmp_path / 'train')
    assert manifest['images'] == ['0.png', '1.png', '2.png', '3.png']
    # The same weights under another name, and another start of the training.
    shutil.copy(tmp_path / 'net.pth', tmp_path / 'copy.pth')
    changed = copy.deepcopy(cfg)
    changed.model.backbone.backbone_cfg.init_cfg = None
    label(changed, tmp_path / 'copy.pth', images, tmp_path / 'out')
    assert {p: p.read_bytes() for p in (tmp_path / 'out').rglob('*.*')} == before


def test_frames_of_videos(toy_config, tmp_path):
    cfg = load_config(toy_config)
    save_untrained(cfg, tmp_path / 'net.pth')
    videos = [str(tmp_path / name) for name in ('a.avi', 'b.avi')]
    draw = np.random.default_rng(0)
    for video, count in zip(videos, (2, 1)):
        writer = cv2.VideoWriter(video, cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 32))
        for _ in range(count):
            writer.write(draw.integers(256, size=(32, 64, 3), dtype=np.uint8))
        writer.release()
    manifest = label(cfg, tmp_path / 'net.pth', videos, tmp_path / 'out')
    assert manifest['images'] == ['a/000000.png', 'a/000001.png', 'b/000000.png']
    # As a folder of images, the frames get the same labels.
    label(cfg, tmp_path / 'net.pth', str(tmp_path / 'out/frames'), tmp_path / 'again')
    for name in manifest['images']:
        path = tmp_path / 'out' / 'labels' / name
        assert path.read_bytes() == (tmp_path / 'again' / name).read_bytes()
    with pytest.raises(PreflightError, match='is a video and still.png is not'):
        label(cfg, tmp_path / 'net.pth', [*videos, 'still.png'], tmp_path / 'out')


def test_what_is_missing_is_named(toy_config, tmp_path):
    cfg = load_config(toy_config)
    with pytest.raises(PreflightError, match='no checkpoint gone.pth'):
        label(cfg, 'gone.pth', 'images', tmp_path / 'out')
    save_untrained(cfg, tmp_path / 'net.pth')
    viewless = cfg.copy()
    viewless.pop('tta_model')
    with pytest.raises(PreflightError, match='needs `tta_model`'):
        label(viewless, tmp_path / 'net.pth', 'images', tmp_path / 'out')
    with pytest.raises(PreflightError, match='gone: folder does not exist'):
        label(cfg, tmp_path / 'net.pth', str(tmp_path / 'gone'), tmp_path / 'out')
    torch.save(dict(state_dict={'x': torch.zeros(1)}), tmp_path / 'stranger.pth')
    images = str(tmp_path / 'data' / 'images' / 'val')
    with pytest.raises(PreflightError, match='do not fit'):
        label(cfg, tmp_path / 'stranger.pth', images, tmp_path / 'out')
    broken = tmp_path / 'data' / 'images' / 'val' / '1.png'
    broken.write_bytes(b'no image')
    with pytest.raises(PreflightError, match='1.png: image cannot be decoded'):
        label(cfg, tmp_path / 'net.pth', images, tmp_path / 'out', num_workers=1)


@pytest.mark.parametrize('given', ['0.png', ['0.png'], 'list.txt', '[0]*'])
def test_one_image(toy_config, tmp_path, given):
    cfg = load_config(toy_config)
    save_untrained(cfg, tmp_path / 'net.pth')
    folder = tmp_path / 'data/images/val'
    (folder / 'list.txt').write_text('0.png\n')
    given = (
        [str(folder / n) for n in given] if isinstance(given, list) else folder / given
    )
    manifest = label(cfg, tmp_path / 'net.pth', given, tmp_path / 'one', tta=False)
    assert manifest['images'] == ['0.png']
    label(cfg, tmp_path / 'net.pth', str(folder), tmp_path / 'all', tta=False)
    written, expected = (tmp_path / f'{out}/0.png' for out in ('one', 'all'))
    assert written.read_bytes() == expected.read_bytes()


def test_a_folder_of_videos_of_which_one_is_damaged(toy_config, tmp_path):
    cfg = load_config(toy_config)
    save_untrained(cfg, tmp_path / 'net.pth')
    (tmp_path / 'drives').mkdir()
    draw = np.random.default_rng(0)
    for name in ('a.b.avi', 'a.c.AVI'):
        path = str(tmp_path / 'drives' / name)
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 32))
        for _ in range(10):
            writer.write(draw.integers(256, size=(32, 64, 3), dtype=np.uint8))
        writer.release()
    content = (tmp_path / 'drives/a.c.AVI').read_bytes()
    (tmp_path / 'drives/a.c.AVI').write_bytes(content[: len(content) * 2 // 3])
    given = (cfg, tmp_path / 'net.pth', tmp_path / 'drives', tmp_path / 'out')
    with pytest.raises(PreflightError, match=r'a\.c\.AVI: \d of 10 frames could be'):
        label(*given, tta=False)
    manifest = label(*given, tta=False, max_lost_frames=1)
    assert {name[:3] for name in manifest['images']} == {'a.b', 'a.c'}
    assert 10 < len(manifest['images']) < 20
