from __future__ import annotations

import sys

import pytest

from segda_mm.datasets import (
    CityscapesImagesDataset,
    DataError,
    MissingDataError,
    UnlabeledImageDataset,
)
from segda_mm.registry import DATASETS

TRAINING_PIPELINE = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadPseudoLabels'},
    {'type': 'RandomResize', 'scale': (16, 12), 'ratio_range': (0.5, 2.0)},
    {'type': 'RandomCrop', 'crop_size': (4, 4), 'cat_max_ratio': 0.75},
    {'type': 'RandomFlip', 'prob': 0.5},
    {'type': 'PhotoMetricDistortion'},
    {'type': 'PackSegInputs'},
]


@pytest.fixture
def photos(tmp_path, write_image):
    root = tmp_path / 'photos'
    write_image(root / 'b.jpg')
    write_image(root / 'drive/a.png')
    write_image(root / 'drive/night/C.PNG')
    (root / 'notes.md').write_text('not an image')
    (root / 'list.txt').write_text('drive/a.png\nb.jpg\n')
    return root


def test_a_folder_and_what_chooses_in_it(photos, names_of):
    dataset = UnlabeledImageDataset(images=str(photos))
    assert names_of(dataset) == ['b.jpg', 'drive/a.png', 'drive/night/C.PNG']
    info = dataset.get_data_info(1)
    assert info['img_path'] == str(photos / 'drive/a.png')
    assert info['pseudo_label_dir'] is None
    assert 'seg_map_path' not in info
    dataset = UnlabeledImageDataset(images=str(photos), subset={'size': 2, 'seed': 0})
    assert len(dataset) == 2


@pytest.mark.parametrize(
    ('data_root', 'images', 'expected'),
    [
        ('{0}', 'drive/*', ['a.png']),
        ('', '{0}/**/*.[pP]*', ['drive/a.png', 'drive/night/C.PNG']),
        ('', '{0}/list.txt', ['b.jpg', 'drive/a.png']),
        ('', ['{0}/drive/night/C.PNG', '{0}/drive/a.png'], ['a.png', 'night/C.PNG']),
        ('{0}', ['drive/a.png'], ['drive/a.png']),
    ],
)
def test_patterns_and_lists(photos, names_of, data_root, images, expected):
    def fill(text):
        return text.format(photos)

    images = fill(images) if isinstance(images, str) else list(map(fill, images))
    dataset = UnlabeledImageDataset(images=images, data_root=fill(data_root))
    assert names_of(dataset) == expected


@pytest.mark.parametrize(
    ('images', 'error', 'message'),
    [
        ('drive/*.gif', MissingDataError, r'drive/\*\.gif'),
        (['drive/d.png'], DataError, r'drive/d\.png: image does not exist'),
        ([], MissingDataError, 'empty'),
        ('nowhere', MissingDataError, 'photos/nowhere: folder does not exist'),
        ('empty', MissingDataError, 'holds no file'),
    ],
)
def test_what_is_not_there_is_named(photos, images, error, message):
    (photos / 'empty').mkdir()
    with pytest.raises(error, match=message):
        UnlabeledImageDataset(data_root=str(photos), images=images)


def test_two_images_cannot_share_a_pseudo_label(photos, write_image):
    write_image(photos / 'b.png')
    with pytest.raises(DataError, match=r"b\.png.*pseudo label with 'b\.jpg'"):
        UnlabeledImageDataset(images=str(photos))


def test_void_samples_pass_the_usual_training_pipeline(photos):
    dataset = UnlabeledImageDataset(images=str(photos), pipeline=TRAINING_PIPELINE)
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 4, 4)
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 4, 4)
    assert labels.unique().tolist() == [255]
    (photos / 'b.jpg').write_bytes(b'')
    with pytest.raises(DataError, match=r'b\.jpg: image cannot be decoded'):
        dataset[0]


_opened: list[str] | None = None


def _audit(event: str, args: tuple) -> None:
    if _opened is not None and event in ('open', 'os.listdir', 'os.scandir'):
        _opened.append(str(args[0]))


# A hook cannot be removed again: it is installed once and switched by _opened.
sys.addaudithook(_audit)


@pytest.mark.parametrize('dataset_type', ['CityscapesImagesDataset', 'whole tree'])
def test_no_label_file_is_ever_opened(cityscapes_root, monkeypatch, dataset_type):
    monkeypatch.setattr(sys.modules[__name__], '_opened', [])
    if dataset_type == 'whole tree':
        config = {'type': 'UnlabeledImageDataset', 'images': 'leftImg8bit'}
    else:
        config = {'type': dataset_type}
    dataset = DATASETS.build(
        dict(config, data_root=str(cityscapes_root), pipeline=TRAINING_PIPELINE)
    )
    for _ in range(2):
        for i in range(len(dataset)):
            dataset[i]
    touched = [path for path in _opened if str(cityscapes_root) in path]
    images = {path for path in touched if path.endswith('.png')}
    assert len(images) == len(dataset)
    assert all('leftImg8bit' in path for path in touched)
    assert not any('gtFine' in path for path in touched)


def test_the_proof_would_notice_a_label(cityscapes_root, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], '_opened', [])
    config = dict(
        data_root=str(cityscapes_root),
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}],
    )
    DATASETS.build(dict(config, type='CityscapesFineDataset'))[0]
    assert any(path.endswith('labelIds.png') for path in _opened)
    # The images have no labels, even when asked for them.
    with pytest.raises(KeyError, match='seg_map_path'):
        CityscapesImagesDataset(**config)[0]
