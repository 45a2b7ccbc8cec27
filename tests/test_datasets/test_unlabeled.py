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


@pytest.mark.parametrize(
    ('data_root', 'images', 'expected'),
    [
        ('', '{0}', ['b.jpg', 'drive/a.png', 'drive/night/C.PNG']),
        ('{0}', 'drive/*', ['a.png']),
        ('', '{0}/**/*.[pP]*', ['drive/a.png', 'drive/night/C.PNG']),
        ('', '{0}/list.txt', ['b.jpg', 'drive/a.png']),
        ('', ['{0}/drive/night/C.PNG', '{0}/drive/a.png'], ['a.png', 'night/C.PNG']),
        ('{0}', ['drive/a.png'], ['drive/a.png']),
    ],
)
def test_folders_patterns_and_lists(photos, names_of, data_root, images, expected):
    def fill(text):
        return text.format(photos)

    images = fill(images) if isinstance(images, str) else list(map(fill, images))
    dataset = UnlabeledImageDataset(images=images, data_root=fill(data_root))
    assert names_of(dataset) == expected
    assert 'seg_map_path' not in dataset.get_data_info(0)


@pytest.mark.parametrize(
    ('images', 'error', 'message'),
    [
        ('drive/*.gif', MissingDataError, r'drive/\*\.gif'),
        (['drive/d.png'], DataError, r'drive/d\.png: image does not exist'),
        ([], MissingDataError, 'empty'),
        ('empty', MissingDataError, 'holds no file'),
    ],
)
def test_what_is_not_there_is_named(photos, images, error, message):
    (photos / 'empty').mkdir()
    with pytest.raises(error, match=message):
        UnlabeledImageDataset(data_root=str(photos), images=images)


def test_labels_that_were_made_before(photos, tmp_path, write_label):
    write_label(tmp_path / 'pseudo/drive/a.png', 4)
    given = dict(images=str(photos), pipeline=TRAINING_PIPELINE[:2])
    folder = str(tmp_path / 'pseudo')
    dataset = UnlabeledImageDataset(**given, pseudo_label_dir=folder)
    assert set(dataset[1]['gt_seg_map'].ravel()) == {4}
    with pytest.raises(MissingDataError, match='folder of pseudo labels'):
        UnlabeledImageDataset(**given, pseudo_label_dir=f'{folder}/gone')


def test_void_samples_pass_the_usual_training_pipeline(photos, write_image):
    dataset = UnlabeledImageDataset(images=str(photos), pipeline=TRAINING_PIPELINE)
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 4, 4)
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 4, 4)
    assert labels.unique().tolist() == [255]
    (photos / 'b.jpg').write_bytes(b'')
    with pytest.raises(DataError, match=r'b\.jpg: image cannot be decoded'):
        dataset[0]
    write_image(photos / 'b.png')
    with pytest.raises(DataError, match=r"b\.png.*pseudo label with 'b\.jpg'"):
        UnlabeledImageDataset(images=str(photos))


_opened: list[str] | None = None


def _audit(event: str, args: tuple) -> None:
    if _opened is not None and event in ('open', 'os.listdir', 'os.scandir'):
        _opened.append(str(args[0]))


# A hook cannot be removed again: it is installed once and switched by _opened.
sys.addaudithook(_audit)


@pytest.mark.parametrize(
    'dataset_type', ['CityscapesImagesDataset', 'UnlabeledImageDataset']
)
def test_no_label_file_is_ever_opened(cityscapes_root, monkeypatch, dataset_type):
    monkeypatch.setattr(sys.modules[__name__], '_opened', [])
    config = {'type': dataset_type}
    if dataset_type == 'UnlabeledImageDataset':
        config['images'] = 'leftImg8bit'
    dataset = DATASETS.build(
        dict(config, data_root=str(cityscapes_root), pipeline=TRAINING_PIPELINE)
    )
    for i in range(len(dataset)):
        dataset[i]
    touched = [path for path in _opened if str(cityscapes_root) in path]
    images = {path for path in touched if path.endswith('.png')}
    assert len(images) == len(dataset)
    assert all('leftImg8bit' in path for path in touched)


def test_the_proof_would_notice_a_label(cityscapes_root, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], '_opened', [])
    config = dict(
        data_root=str(cityscapes_root),
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}],
    )
    DATASETS.build(dict(config, type='CityscapesFineDataset'))[0]
    assert any(path.endswith('labelIds.png') for path in _opened)
    # The images have no labels, even when asked for them.
    with pytest.raises(ValueError, match='has no labels .* take what loads them out'):
        CityscapesImagesDataset(**config)[0]
