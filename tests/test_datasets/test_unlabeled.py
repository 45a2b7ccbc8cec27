from __future__ import annotations

import sys

import pytest

from segda_mm.datasets import (
    CityscapesExtraDataset,
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
    return root


def names_of(dataset):
    return [dataset.get_data_info(i)['relative_path'] for i in range(len(dataset))]


def test_folder(photos):
    dataset = UnlabeledImageDataset(images=str(photos))
    assert names_of(dataset) == ['b.jpg', 'drive/a.png', 'drive/night/C.PNG']
    info = dataset.get_data_info(1)
    assert info['img_path'] == str(photos / 'drive/a.png')
    assert info['pseudo_label_dir'] is None
    assert info['label_map'] is None
    assert info['seg_fields'] == []
    assert info['reduce_zero_label'] is False
    assert 'seg_map_path' not in info
    assert names_of(UnlabeledImageDataset(images=str(photos), recursive=False)) == [
        'b.jpg'
    ]


def test_pattern(photos):
    dataset = UnlabeledImageDataset(data_root=str(photos), images='drive/*')
    assert names_of(dataset) == ['a.png']
    dataset = UnlabeledImageDataset(images=f'{photos}/**/*.[pP]*')
    assert names_of(dataset) == ['drive/a.png', 'drive/night/C.PNG']
    with pytest.raises(MissingDataError, match=r'drive/\*\.gif'):
        UnlabeledImageDataset(data_root=str(photos), images='drive/*.gif')


def test_list_file(photos):
    (photos / 'list.txt').write_text('drive/a.png\nb.jpg\n')
    dataset = UnlabeledImageDataset(images=str(photos / 'list.txt'))
    assert names_of(dataset) == ['b.jpg', 'drive/a.png']


def test_list_of_paths(photos):
    dataset = UnlabeledImageDataset(
        images=[str(photos / 'drive/night/C.PNG'), str(photos / 'drive/a.png')]
    )
    assert names_of(dataset) == ['a.png', 'night/C.PNG']
    dataset = UnlabeledImageDataset(data_root=str(photos), images=['drive/a.png'])
    assert names_of(dataset) == ['drive/a.png']
    with pytest.raises(DataError, match=r'drive/d\.png: image does not exist'):
        UnlabeledImageDataset(data_root=str(photos), images=['drive/d.png'])
    with pytest.raises(MissingDataError, match='empty'):
        UnlabeledImageDataset(images=[])


def test_absent_and_empty_folders(tmp_path):
    with pytest.raises(MissingDataError) as error:
        UnlabeledImageDataset(images='photos', data_root=str(tmp_path))
    assert error.value.folder == str(tmp_path / 'photos')
    (tmp_path / 'photos').mkdir()
    with pytest.raises(MissingDataError, match='holds no file'):
        UnlabeledImageDataset(images='photos', data_root=str(tmp_path))


def test_subset_and_exclude(photos, tmp_path):
    (tmp_path / 'out.txt').write_text('b.jpg\n')
    (tmp_path / 'in.txt').write_text('drive/night/C.PNG\n')
    dataset = UnlabeledImageDataset(images=str(photos), exclude=f'{tmp_path}/out.txt')
    assert len(dataset) == 2
    dataset = UnlabeledImageDataset(images=str(photos), subset=f'{tmp_path}/in.txt')
    assert names_of(dataset) == ['drive/night/C.PNG']
    dataset = UnlabeledImageDataset(images=str(photos), subset={'size': 2, 'seed': 0})
    assert len(dataset) == 2


def test_two_images_cannot_share_a_pseudo_label(photos, write_image):
    write_image(photos / 'b.png')
    with pytest.raises(DataError, match=r"b\.png.*pseudo label with 'b\.jpg'"):
        UnlabeledImageDataset(images=str(photos))


def test_pseudo_label_dir_reaches_the_pipeline(photos, tmp_path, write_label):
    dataset = UnlabeledImageDataset(images=str(photos), pipeline=TRAINING_PIPELINE[:2])
    assert set(dataset[1]['gt_seg_map'].ravel()) == {255}
    write_label(tmp_path / 'pseudo/drive/a.png', 4)
    dataset.pseudo_label_dir = str(tmp_path / 'pseudo')
    assert set(dataset[1]['gt_seg_map'].ravel()) == {4}


def test_void_samples_pass_the_usual_training_pipeline(photos):
    dataset = UnlabeledImageDataset(images=str(photos), pipeline=TRAINING_PIPELINE)
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 4, 4)
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 4, 4)
    assert labels.unique().tolist() == [255]


def test_unreadable_image_is_named(photos):
    (photos / 'b.jpg').write_bytes(b'')
    dataset = UnlabeledImageDataset(images=str(photos), pipeline=TRAINING_PIPELINE)
    with pytest.raises(DataError, match=r'b\.jpg: image cannot be decoded'):
        dataset[0]


def test_extra_images(tmp_path, write_image):
    name = 'troisdorf/troisdorf_000000_000073_leftImg8bit.png'
    write_image(tmp_path / 'leftImg8bit/train_extra' / name)
    dataset = CityscapesExtraDataset(data_root=str(tmp_path))
    assert names_of(dataset) == [name]
    assert dataset.metainfo['classes'][13] == 'car'


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
    dataset = DATASETS.build(
        {
            'type': 'CityscapesFineDataset',
            'data_root': str(cityscapes_root),
            'pipeline': [{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}],
        }
    )
    dataset[0]
    assert any(path.endswith('labelIds.png') for path in _opened)


def test_images_dataset_has_no_labels_even_when_asked(cityscapes_root):
    dataset = CityscapesImagesDataset(
        data_root=str(cityscapes_root),
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadLabelIds'}],
    )
    with pytest.raises(KeyError, match='seg_map_path'):
        dataset[0]
