import pytest
import torch

from segda_mm.models.data_preprocessors import PanopticDataPreprocessor
from segda_mm.ops.panoptic_codes import VOID_CODE
from segda_mm.testing import panoptic_batch

SCALING = dict(mean=[127.5] * 3, std=[127.5] * 3)

#: What a padded pixel must hold.
PADDED = dict(
    gt_sem_seg=255,
    gt_panoptic_seg=VOID_CODE,
    gt_sem_seg_weight=0,
    gt_center_heatmap=0,
    gt_center_weight=0,
    gt_offset=0,
    gt_offset_weight=0,
)


def test_training_pads_every_target():
    batch = panoptic_batch(num_images=2, size=(30, 44))
    before = [
        {name: sample.get(name).data.clone() for name in PADDED}
        for sample in batch['data_samples']
    ]
    data = PanopticDataPreprocessor(size=(33, 49), **SCALING)(batch, training=True)
    assert data['inputs'].shape == (2, 3, 33, 49)
    for sample, originals in zip(data['data_samples'], before, strict=True):
        for name, value in PADDED.items():
            padded = sample.get(name).data
            assert padded.shape[-2:] == (33, 49)
            assert padded.dtype == originals[name].dtype
            assert torch.equal(padded[..., :30, :44], originals[name]), name
            assert (padded[..., 30:, :] == value).all(), name
            assert (padded[..., 44:] == value).all(), name


def test_testing_pads_the_image_only():
    batch = panoptic_batch(num_images=1, size=(30, 44))
    preprocessor = PanopticDataPreprocessor(
        size=(17, 17), test_cfg=dict(size=(33, 49)), **SCALING
    )
    data = preprocessor(batch, training=False)
    assert data['inputs'].shape == (1, 3, 33, 49)
    (sample,) = data['data_samples']
    assert sample.img_padding_size == (0, 5, 0, 3)
    for name in PADDED:
        assert sample.get(name).shape == (30, 44), name


@pytest.mark.parametrize(
    ('training', 'key'),
    [(True, 'data_preprocessor.size'), (False, 'data_preprocessor.test_cfg.size')],
)
def test_too_large_an_image(training, key):
    preprocessor = PanopticDataPreprocessor(
        size=(33, 40), test_cfg=dict(size=(33, 40)), **SCALING
    )
    with pytest.raises(ValueError, match=f'30x44 .*{key} .33, 40.'):
        preprocessor(panoptic_batch(num_images=1, size=(30, 44)), training)
