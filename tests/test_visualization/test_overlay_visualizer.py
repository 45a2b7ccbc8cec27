import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from segda_mm.visualization import OverlayVisualizer

# Not the colours of Cityscapes, mmseg's default.
META = dict(classes=('a', 'b'), palette=[[200, 0, 0], [0, 0, 100]])


def draw(tmp_path, with_truth):
    sample = SegDataSample()
    sample.pred_sem_seg = PixelData(data=torch.zeros(1, 32, 64, dtype=torch.long))
    if with_truth:
        truth = torch.ones(1, 32, 64, dtype=torch.long)
        truth[0, 16:] = 255
        sample.gt_sem_seg = PixelData(data=truth)
    visualizer = OverlayVisualizer(
        vis_backends=[
            dict(type='LocalVisBackend', save_dir=str(tmp_path), img_save_dir='')
        ],
        save_dir=str(tmp_path),
        alpha=0.5,
    )
    visualizer.dataset_meta = META
    image = np.full((32, 64, 3), 50, np.uint8)
    visualizer.add_datasample('street', image, sample, with_labels=False, step=3)
    return np.asarray(Image.open(tmp_path / 'street_3.png'))


def test_image_truth_prediction_in_the_data_sets_colours(tmp_path):
    picture = draw(tmp_path, with_truth=True)
    assert picture.shape == (32, 192, 3)
    image, truth, prediction = np.split(picture, 3, axis=1)
    assert np.unique(image) == 50
    # Half the image's 50 and half the class colour; void has no colour.
    assert (truth[:16] == [25, 25, 75]).all()
    assert (truth[16:] == [25, 25, 25]).all()
    assert (prediction == [125, 25, 25]).all()


@pytest.mark.parametrize('with_truth, panels', [(True, 3), (False, 2)])
def test_unlabelled_images_have_no_truth_panel(tmp_path, with_truth, panels):
    assert draw(tmp_path, with_truth).shape[1] == 64 * panels
