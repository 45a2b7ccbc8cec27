"""Pseudo labels meet exactly the frames that they were made for."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from segda_mm.datasets import (
    DataError,
    MissingDataError,
    PseudoLabeledDataset,
)
from segda_mm.datasets.data_check import check_data
from segda_mm.datasets.transforms import LoadPseudoLabels
from segda_mm.registry import DATASETS

TASK = dict(classes=('road', 'rest'), palette=[[9, 9, 9], [8, 8, 8]])


@pytest.fixture
def frames(tmp_path):
    """Four frames of 4x6 pixels, and labels that hold the frame's number."""
    for index in range(4):
        image = tmp_path / 'drive' / 'a' / f'{index}.jpg'
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (6, 4)).save(image)
        label = tmp_path / 'labels' / 'a' / f'{index}.png'
        label.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), index % 2, np.uint8)).save(label)
    return tmp_path


def dataset(folder, loader='LoadLabelIds', metainfo=TASK, **images):
    return PseudoLabeledDataset(
        images=dict(
            type='UnlabeledImageDataset', images=str(folder / 'drive'), **images
        ),
        labels=str(folder / 'labels'),
        metainfo=metainfo,
        pipeline=[dict(type='LoadImageFromFile'), dict(type=loader)],
    )


def test_every_frame_has_its_own_label(frames):
    made = dataset(frames)
    assert made.metainfo['classes'] == TASK['classes']
    for index in range(4):
        sample = made[index]
        assert sample['img_path'].endswith(f'a/{index}.jpg')
        np.testing.assert_array_equal(
            sample['gt_seg_map'], np.full((4, 6), index % 2, np.uint8)
        )


def test_the_choice_of_frames_is_that_of_the_images(frames, names_of):
    (frames / 'labels' / 'a' / '9.png').write_bytes(b'of an image not asked for')
    images = dict(images=str(frames / 'drive'), share=dict(fraction=0.5, seed=0))
    unlabeled = DATASETS.build(dict(type='UnlabeledImageDataset', **images))
    made = dataset(frames, share=images['share'])
    assert names_of(made) == names_of(unlabeled)
    assert len(made) == 2


def test_a_missing_label_is_named(frames):
    (frames / 'labels' / 'a' / '2.png').unlink()
    with pytest.raises(DataError, match=r'labels/a/2\.png: is missing: .*2\.jpg'):
        dataset(frames)
    with pytest.raises(MissingDataError, match='elsewhere'):
        PseudoLabeledDataset(
            images=dict(type='UnlabeledImageDataset', images=str(frames / 'drive')),
            labels=str(frames / 'elsewhere'),
            metainfo=TASK,
        )


def write_manifest(labels, **files):
    """The manifest of ``tools/label.py``, with the checksums of the files."""
    images = [f'a/{index}.jpg' for index in range(4)]
    checksums = [
        hashlib.sha256((labels / 'a' / f'{index}.png').read_bytes()).hexdigest()
        for index in range(4)
    ]
    content = dict(images=images, checksums=checksums) | files
    (labels / 'manifest.json').write_text(json.dumps(content))


def check_sample(folder, index):
    """Load a sample for training, and as tools/check_data.py does."""
    made = dataset(folder)
    config = dict(
        type='PseudoLabeledDataset',
        images=made.images,
        labels=made.labels,
        metainfo=TASK,
    )
    cfg = dict(train_dataloader=dict(dataset=config))
    (report,) = check_data(cfg, ('train',))
    return made[index]['gt_seg_map'], report.problems


def test_a_label_is_compared_with_its_checksum(frames):
    write_manifest(frames / 'labels')
    labels, problems = check_sample(frames, 2)
    assert labels.tolist() == np.zeros((4, 6)).tolist()
    assert problems == []
    changed = frames / 'labels' / 'a' / '2.png'
    # A label that nothing else is wrong with.
    Image.fromarray(np.ones((4, 6), np.uint8)).save(changed)
    _, (problem,) = check_sample(frames, 1)
    with pytest.raises(DataError) as raised:
        dataset(frames)[2]
    for message in (str(raised.value), str(problem)):
        assert f'{changed}: was changed or damaged' in message
        assert 'Delete it and start tools/label.py' in message


def test_labels_made_during_a_training_are_compared_too(frames):
    write_manifest(frames / 'labels')

    def load(index):
        return LoadPseudoLabels().transform(
            dict(
                img=np.zeros((4, 6, 3)),
                relative_path=f'a/{index}.jpg',
                pseudo_label_dir=str(frames / 'labels'),
                seg_fields=[],
            )
        )['gt_seg_map']

    assert load(1).tolist() == np.ones((4, 6)).tolist()
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(frames / 'labels' / 'a' / '1.png')
    with pytest.raises(DataError, match=r'1\.png: was changed or damaged .* Remove '):
        load(1)
    # Made again, in the same folder.
    write_manifest(frames / 'labels')
    assert load(1).tolist() == np.zeros((4, 6)).tolist()


def test_only_finished_labels_of_the_manifest_are_taken(frames):
    labels = frames / 'labels'
    (labels / 'identity.json').write_text('{}')
    with pytest.raises(DataError, match='labels: has no manifest.json'):
        dataset(frames)[0]
    write_manifest(labels, images=['a/0.jpg', 'a/2.jpg', 'a/3.jpg'])
    with pytest.raises(DataError, match=r'1\.png: is not named in manifest\.json'):
        dataset(frames)[0]
    (labels / 'manifest.json').write_text('{')
    with pytest.raises(DataError, match=r'manifest\.json: is damaged'):
        dataset(frames)[0]
