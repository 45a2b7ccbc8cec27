"""Label files that MMSegmentation's loader would take, and ours, as they should be."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.apis import PreflightError
from segda_mm.datasets.annotation_files import require_annotations
from segda_mm.datasets.data_check import check_data
from segda_mm.datasets.formats.cityscapes_instances import read_instance_ids
from segda_mm.datasets.formats.label_files import read_label_ids
from segda_mm.datasets.formats.panoptic_files import read_panoptic_png
from segda_mm.errors import DataError
from segda_mm.registry import DATASETS

IDS = np.repeat([0, 1, 2, 255], 12).reshape(6, 8).astype(np.uint8)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.fixture
def pairs(tmp_path):
    """Three images with labels, the second of which a test may replace."""
    for name in '123':
        for folder, array in (('images', np.stack([IDS] * 3, 2)), ('labels', IDS)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(array).save(tmp_path / folder / f'{name}.png')
    return tmp_path


def dataset(root, load=None, **kwargs):
    steps = [dict(type='LoadImageFromFile'), load or dict(type='LoadAnnotations')]
    return dict(
        type='BaseSegDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        img_suffix='.png',
        metainfo=dict(classes=('a', 'b', 'c'), palette=[[1, 1, 1]] * 3),
        pipeline=steps,
        **kwargs,
    )


def palette_file(array):
    image = Image.fromarray(array, 'P')
    image.putpalette(list(range(256)) * 3)
    return image


def check(cfg):
    (report,) = check_data(dict(train_dataloader=dict(dataset=cfg)), ('train',))
    return report


@pytest.mark.parametrize(
    'image, message',
    [
        (Image.fromarray(np.stack([IDS] * 3, 2)), "is a 'RGB' image"),
        (Image.fromarray(np.stack([IDS] * 4, 2)), "is a 'RGBA' image"),
        (Image.fromarray(IDS).convert('LA'), "is a 'LA' image"),
        (Image.fromarray(IDS.astype(np.uint16) * 256), 'has values above 255'),
        (Image.fromarray(IDS.repeat(2, 0).repeat(2, 1)), 'label is 16x12 .* is 8x6'),
        (Image.fromarray(IDS.T), 'label is 6x8 pixels, but its image'),
        (None, 'label file does not exist'),
        (b'no image', 'label file cannot be decoded'),
        ('JPEG', 'label file is a JPEG file, which changes the ids'),
    ],
)
def test_one_wrong_label_is_found_by_check_and_training(pairs, image, message):
    file = pairs / 'labels/2.png'
    file.unlink()
    if isinstance(image, bytes):
        file.write_bytes(image)
    elif image == 'JPEG':
        # A suffix does not make it lossless.
        Image.fromarray(IDS).save(file, format='JPEG')
    elif image is not None:
        image.save(file)
    (problem,) = check(dataset(pairs)).problems
    assert str(file) in str(problem)
    wrapped = dict(type='CounterSeededDataset', dataset=dataset(pairs))
    built = DATASETS.build(wrapped)
    with pytest.raises(PreflightError, match=f'^key: {file}: .*{message}'):
        require_annotations(built, 'key')


@pytest.mark.parametrize(
    'image, load',
    [
        (Image.fromarray(IDS), None),
        (palette_file(IDS), None),
        (Image.fromarray(IDS.astype(np.uint16)), None),
        (Image.fromarray(IDS == 1), None),
    ],
)
def test_what_the_loader_reads_rightly_passes(pairs, image, load):
    image.save(pairs / 'labels/2.png')
    cfg = dataset(pairs, load)
    report = check(cfg)
    assert not report.problems
    require_annotations(DATASETS.build(cfg), 'key')
    expected = np.bincount(np.asarray(image).astype(np.uint8).ravel(), minlength=4)
    assert report.pixels.tolist() == [a + 24 for a in expected[:3].tolist()]


def test_a_palette_that_would_be_decoded_to_colours(pairs):
    palette_file(IDS).save(pairs / 'labels/2.png')
    cfg = dataset(pairs, dict(type='LoadAnnotations', imdecode_backend='cv2'))
    with pytest.raises(PreflightError, match=r"2.png: is a 'P' .*_backend='pillow'"):
        require_annotations(DATASETS.build(cfg), 'key')


@pytest.mark.parametrize('argument', [None, True])
def test_reduced_labels_are_checked_as_they_are_read(pairs, argument):
    reduced = np.where(IDS == 255, 0, IDS + 1).astype(np.uint8)
    for name in '123':
        Image.fromarray(reduced).save(pairs / f'labels/{name}.png')
    load = dict(type='LoadAnnotations', reduce_zero_label=argument)
    cfg = dataset(pairs, load, reduce_zero_label=True)
    report = check(cfg)
    assert not report.problems
    assert report.pixels.tolist() == [36, 36, 36] and report.void_pixels == 36
    require_annotations(DATASETS.build(cfg), 'key')
    Image.fromarray(reduced + 1).save(pairs / 'labels/2.png')
    (problem,) = check(cfg).problems
    assert '2.png: has ids [3] in 12 pixels, but the data set has 3' in str(problem)


@pytest.mark.parametrize(
    'load, given, message',
    [
        (None, dict(ignore_index=0), r'key.ignore_index is 0, but nothing .*\{0: 255'),
        (
            dict(type='LoadAnnotations', reduce_zero_label=True),
            {},
            'key.reduce_zero_label is False, but LoadAnnotations .* has .*=True',
        ),
        (
            dict(type='LoadLabelIds', table={0: 0, 1: 1, 2: 2, 255: 255}),
            dict(reduce_zero_label=True),
            r'key.reduce_zero_label is for LoadAnnotations .*\{0: 255, 1: 0',
        ),
    ],
)
def test_arguments_without_effect(pairs, load, given, message):
    with pytest.raises(PreflightError, match=message):
        require_annotations(DATASETS.build(dataset(pairs, load, **given)), 'key')


@pytest.mark.parametrize(
    'key, value', [('reduce_zero_label', True), ('ignore_index', 0)]
)
@pytest.mark.parametrize(
    'cfg',
    [
        dict(type='GTA5Dataset'),
        dict(type='CamVidDataset'),
        dict(type='UnlabeledImageDataset', images='images'),
    ],
)
def test_our_data_sets_refuse_what_their_table_says(pairs, cfg, key, value):
    with pytest.raises(ValueError, match=f'{key}={value} is not for {cfg["type"]}'):
        DATASETS.build(dict(cfg, data_root=str(pairs), **{key: value}))
    # And do not mind what is so anyway.
    plain = {'reduce_zero_label': False, 'ignore_index': 255}
    DATASETS.build(dict(cfg, data_root=str(pairs), lazy_init=True, **plain))


FORMATS = {
    'bmp': dict(format='BMP'),
    'tif': dict(format='TIFF', compression='tiff_lzw'),
    'gif': dict(format='GIF'),
    'pgm': dict(format='PPM'),
    'jpg': dict(format='JPEG', quality=100),
    'jpeg.png': dict(format='JPEG'),
    'jpeg.tif': dict(format='TIFF', compression='jpeg'),
    'webp': dict(format='WEBP', lossless=True),
    'jp2': dict(format='JPEG2000', irreversible=True),
}


@pytest.mark.parametrize('suffix', FORMATS)
def test_label_files_are_lossless(tmp_path, suffix):
    file = tmp_path / f'label.{suffix}'
    Image.fromarray(IDS).save(file, **FORMATS[suffix])
    if FORMATS[suffix]['format'] in ('BMP', 'PPM') or suffix == 'tif':
        np.testing.assert_array_equal(read_label_ids(file), IDS)
        return
    for read in (read_label_ids, read_instance_ids, read_panoptic_png):
        with pytest.raises(DataError, match=f'{file}: .* which changes the ids.*PNG'):
            read(file)
