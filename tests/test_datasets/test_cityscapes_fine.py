from __future__ import annotations

import pytest

from segda_mm.datasets import CityscapesFineDataset, MissingDataError


def test_reads_label_ids_of_the_split(cityscapes_root):
    dataset = CityscapesFineDataset(
        data_root=str(cityscapes_root),
        pipeline=[
            {'type': 'LoadImageFromFile'},
            # As in testing pipelines: labels keep the size of the file.
            {'type': 'Resize', 'scale': (16, 12)},
            {'type': 'LoadLabelIds'},
            {'type': 'PackSegInputs'},
        ],
    )
    assert len(dataset) == 5
    sample = dataset[3]
    assert sample['data_samples'].img_path.endswith(
        'train/bochum/bochum_000000_000019_leftImg8bit.png'
    )
    assert sample['inputs'].shape == (3, 12, 16)
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 6, 8)
    assert labels.unique().tolist() == [13]


def test_val_split(cityscapes_root):
    dataset = CityscapesFineDataset(
        data_root=str(cityscapes_root),
        data_prefix={'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'},
    )
    assert [dataset.get_data_info(i)['relative_path'] for i in range(3)] == [
        f'frankfurt/frankfurt_00000{i}_000019_leftImg8bit.png' for i in range(3)
    ]


def test_absent_labels(cityscapes_root):
    with pytest.raises(MissingDataError, match=r'gtFine/test.*gtFine_trainvaltest'):
        CityscapesFineDataset(
            data_root=str(cityscapes_root),
            data_prefix={
                'img_path': 'leftImg8bit/val',
                'seg_map_path': 'gtFine/test',
            },
        )
