"""A photo that viewers turn, and the same pixels without that tag, are the same."""

import copy
import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image, ImageOps

from segda_mm import Predictor
from segda_mm.apis import evaluate, label, load_config
from segda_mm.datasets.data_check import check_data, format_report
from segda_mm.inference.onnx_predict import orientation_of, read_picture, upright
from segda_mm.registry import DATASETS, MODELS

ORIENTATIONS = range(1, 9)
FORMATS = ('jpg', 'png', 'webp')


def photo(path, pixels, orientation):
    """Write pixels and the tag; the pixels as they were stored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = dict(lossless=True) if path.suffix == '.webp' else {}
    Image.fromarray(pixels).save(path, exif=exif, quality=95, **lossless)
    return np.asarray(Image.open(path))


@pytest.fixture
def pixels():
    """A picture without symmetry, (6, 8) blocks."""
    blocks = np.random.default_rng(0).integers(256, size=(6, 8, 3), dtype=np.uint8)
    return blocks.repeat(8, 0).repeat(8, 1)


@pytest.mark.parametrize('suffix', FORMATS)
@pytest.mark.parametrize('orientation', ORIENTATIONS)
def test_pictures_and_what_viewers_make_of_them(tmp_path, pixels, orientation, suffix):
    path = tmp_path / f'a.{suffix}'
    stored = photo(path, pixels, orientation)
    assert orientation_of(path.read_bytes()) == orientation
    np.testing.assert_allclose(read_picture(path), stored, atol=3)
    with Image.open(path) as image:
        shown = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(upright(stored, orientation), shown)


@pytest.mark.parametrize(
    'content', [b'', b'Exif\0\0MM\0*', b'eXIfII*\0\xff\xff\0\0', b'no image at all']
)
def test_a_tag_that_is_damaged_turns_nothing(content):
    assert orientation_of(content) == 1


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('suffix', [*FORMATS, 'tif'])
@pytest.mark.parametrize('orientation', [2, 3, 6, 8])
def test_samples_and_the_check(tmp_path, orientation, suffix, backend):
    root, pixels = tmp_path / 'o', np.zeros((32, 48, 3), np.uint8)
    for folder in ('images', 'labels'):
        (root / folder).mkdir(parents=True)
    # Red and road are the upper left quarter.
    pixels[:16, :24, 0] = 200
    ids = np.where(pixels[..., 0], 7, 8).astype(np.uint8)
    if suffix == 'tif':
        # Its tag is part of the format: every reader turns it.
        tag = {274: orientation}
        Image.fromarray(pixels).save(root / 'images/1.tif', tiffinfo=tag)
        ids = upright(ids, orientation)
    else:
        photo(root / f'images/1.{suffix}', pixels, orientation)
    Image.fromarray(ids).save(root / 'labels/1.png')
    init_default_scope('mmseg')
    load = dict(type='LoadImageFromFile', imdecode_backend=backend)
    given = dict(img_suffix=f'.{suffix}', pipeline=[load, dict(type='LoadLabelIds')])
    config = dict(given, type='GTA5Dataset', data_root=str(root))
    sample = DATASETS.build(config)[0]
    red = sample['img'][..., 2] > 100
    np.testing.assert_array_equal(red, sample['gt_seg_map'] == 0)
    (report,) = check_data(dict(train_dataloader=dict(dataset=config)))
    assert (report.problems, report.shown_turned) == ([], int(suffix != 'tif'))
    told = '1 images look turned in a viewer' in format_report(report)
    assert told == (suffix != 'tif')


@pytest.fixture
def twins(toy_config, tmp_path):
    """A toy job whose test images viewers turn, and one of the same pixels."""
    cfg = load_config(toy_config)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'net.pth')
    shutil.copytree(tmp_path / 'data', tmp_path / 'turned')
    for name, orientation in (('0', 3), ('1', 6), ('2', 8)):
        path = tmp_path / f'turned/images/val/{name}.png'
        photo(path, np.asarray(Image.open(path)), orientation)
    turned = load_config(toy_config)
    turned.test_dataloader.dataset.data_root = str(tmp_path / 'turned')
    return dict(data=cfg, turned=turned)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): np.asarray(Image.open(path))
        for path in folder.rglob('*.png')
    }


def test_jobs_see_the_pixels_and_write_on_them(twins, tmp_path):
    results, files = {}, {}
    for name, cfg in twins.items():
        out, images = tmp_path / f'out_{name}', str(tmp_path / name / 'images/val')
        shown = dict(show_dir=out / 'shown', out=out / 'predictions')
        results[name] = evaluate(copy.deepcopy(cfg), tmp_path / 'net.pth', **shown)[
            'metrics'
        ]
        label(
            copy.deepcopy(cfg),
            tmp_path / 'net.pth',
            images,
            out / 'labels',
            num_workers=0,
        )
        predict = Predictor(tmp_path / 'net.pth', copy.deepcopy(cfg))
        predict.save(images, out / 'predicted', ('labels', 'colors'))
        files[name] = contents(out)
        predict.save(images, out / 'drawn', ('overlay',))
    assert json.dumps(results['turned']) == json.dumps(results['data'])
    assert len(files['data']) == 15
    assert files['turned'].keys() == files['data'].keys()
    for name, picture in files['data'].items():
        np.testing.assert_array_equal(files['turned'][name], picture, name)
    # A picture to look at looks like the photo.
    for name, turn in (('0', cv2.ROTATE_180), ('1', cv2.ROTATE_90_CLOCKWISE)):
        plain, turned = (
            np.asarray(Image.open(tmp_path / f'out_{job}/drawn/overlay/{name}.png'))
            for job in twins
        )
        np.testing.assert_array_equal(turned, cv2.rotate(plain, turn))
