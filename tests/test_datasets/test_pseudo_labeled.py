"""Pseudo labels meet exactly the frames that they were made for."""

import hashlib
import json

import numpy as np
import pytest

from segda_mm.datasets import DataError, LoadPseudoLabels, MissingDataError
from segda_mm.datasets.data_check import check_data
from segda_mm.registry import DATASETS


@pytest.fixture
def frames(tmp_path, write_image, write_label):
    """Four frames, and labels that hold 0 or 1."""
    for index in range(4):
        write_image(tmp_path / f'drive/a/{index}.jpg')
        write_label(tmp_path / f'labels/a/{index}.png', index % 2)
    return tmp_path


def config(folder, **kwargs):
    images = dict(type='UnlabeledImageDataset', images=str(folder / 'drive'))
    return dict(
        type='PseudoLabeledDataset',
        images=images,
        labels=str(folder / 'labels'),
        metainfo=dict(classes=('road', 'rest'), palette=[[9, 9, 9], [8, 8, 8]]),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadLabelIds')],
    ) | dict(kwargs)


def write_manifest(labels, **entries):
    """The manifest of ``tools/label.py``, with the checksums of the files."""
    files = [f'a/{index}' for index in range(4)]
    checksums = [
        hashlib.sha256((labels / f'{file}.png').read_bytes()).hexdigest()
        for file in files
    ]
    content = dict(images=[f'{file}.jpg' for file in files], checksums=checksums)
    (labels / 'manifest.json').write_text(json.dumps(content | entries))


def test_every_chosen_frame_has_its_own_label(frames, names_of):
    (frames / 'labels/a/9.png').write_bytes(b'of an image not asked for')
    dataset = DATASETS.build(config(frames))
    assert dataset.metainfo['classes'] == ('road', 'rest')
    for index in range(4):
        sample = dataset[index]
        assert sample['img_path'].endswith(f'a/{index}.jpg')
        assert sample['gt_seg_map'].tolist() == np.full((6, 8), index % 2).tolist()
    # The choice is that of the images alone.
    share = dict(fraction=0.5, seed=0)
    unlabeled = DATASETS.build(dict(config(frames)['images'], share=share))
    chosen = names_of(DATASETS.build(config(frames, share=share)))
    assert chosen == names_of(unlabeled)
    assert len(chosen) == 2


def test_a_missing_label_is_named(frames):
    (frames / 'labels/a/2.png').unlink()
    with pytest.raises(DataError, match=r'labels/a/2\.png: is missing: .*2\.jpg'):
        DATASETS.build(config(frames))
    with pytest.raises(MissingDataError, match='elsewhere'):
        DATASETS.build(config(frames, labels=str(frames / 'elsewhere')))


def test_a_label_is_compared_with_its_checksum(frames, write_label):
    """For training, by tools/check_data.py, and where labels are made meanwhile."""
    labels = frames / 'labels'
    write_manifest(labels)
    results = dict(
        img=np.zeros((6, 8, 3)),
        relative_path='a/2.jpg',
        pseudo_label_dir=str(labels),
    )

    def load():
        return LoadPseudoLabels()(dict(results, seg_fields=[]))['gt_seg_map']

    def check():
        cfg = dict(train_dataloader=dict(dataset=config(frames)))
        (report,) = check_data(cfg, ('train',))
        return report.problems

    assert check() == []
    assert not load().any()
    # A label that nothing else is wrong with.
    changed = write_label(labels / 'a/2.png', 1)
    (problem,) = check()
    dataset = DATASETS.build(config(frames))
    with pytest.raises(DataError) as raised:
        dataset[2]
    for message in (str(raised.value), str(problem)):
        assert f'{changed}: was changed or damaged' in message
        assert 'Delete it and start segda label' in message
    with pytest.raises(DataError, match=r'2\.png: was changed or damaged .* Remove '):
        load()
    # Made again, in the same folder.
    write_manifest(labels)
    assert load().all()


def test_only_finished_labels_of_the_manifest_are_taken(frames):
    labels = frames / 'labels'
    (labels / 'identity.json').write_text('{}')
    with pytest.raises(DataError, match='labels: has no manifest.json'):
        DATASETS.build(config(frames))
    write_manifest(labels, images=['a/0.jpg', 'a/2.jpg', 'a/3.jpg'])
    with pytest.raises(DataError, match=r'1\.png: is not named in manifest\.json'):
        DATASETS.build(config(frames))
    (labels / 'manifest.json').write_text('{')
    with pytest.raises(DataError, match=r'manifest\.json: is damaged'):
        DATASETS.build(config(frames))
