import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from segda_mm.visualization import PanopticVisualizer, colorize_panoptic

# Not the colours of Cityscapes, mmseg's default.
META = dict(classes=('road', 'car'), palette=[[200, 100, 60], [60, 60, 160]])
HEIGHT, WIDTH = 64, 96
GREY = np.full((HEIGHT, WIDTH, 3), 50, np.uint8)


def panoptic_map(left):
    """A car of 20x30 pixels on a road, void above."""
    codes = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.int32)
    codes[0, :10] = 255000
    codes[0, 30:50, left : left + 30] = 1001
    return codes


def prediction(truth=None):
    codes = panoptic_map(40)
    grid = torch.stack(
        torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing='ij')
    )
    fields = dict(
        pred_panoptic_seg=codes,
        pred_center_heatmap=torch.zeros(1, HEIGHT, WIDTH),
        # All pixels point to (40, 50).
        pred_offset=torch.tensor([40.0, 50.0]).view(2, 1, 1) - grid,
        pred_sem_seg=codes.long() // 1000,
    )
    if truth is not None:
        fields.update(gt_panoptic_seg=truth, gt_sem_seg=truth.long() // 1000)
    sample = SegDataSample(metainfo=dict(img_path='here/street.png'))
    sample.set_data({name: PixelData(data=value) for name, value in fields.items()})
    return sample


def draw(tmp_path, sample, **kwargs):
    visualizer = PanopticVisualizer(
        vis_backends=[
            dict(type='LocalVisBackend', save_dir=str(tmp_path), img_save_dir='')
        ],
        save_dir=str(tmp_path),
        alpha=0.5,
    )
    visualizer.dataset_meta = META
    visualizer.add_datasample('street', GREY, sample, step=3, **kwargs)
    picture = np.asarray(Image.open(tmp_path / 'street_3.png'))
    assert picture.shape[0] == HEIGHT
    return np.split(picture, picture.shape[1] // WIDTH, axis=1)


def test_five_panels(tmp_path):
    panels = draw(tmp_path, prediction(panoptic_map(20)))
    image, truth, predicted, centers, offsets = panels
    np.testing.assert_array_equal(image, GREY)
    for panel, left in ((truth, 20), (predicted, 40)):
        # Half the image's 50 and half the colour; void has no colour.
        assert (panel[:10] == 25).all()
        assert (panel[60, 0] == [125, 75, 55]).all()
        inside, outline = panel[40, left + 10], panel[49, left + 10]
        codes = panoptic_map(left)[0].numpy()
        color = colorize_panoptic(codes, META['palette'])[40, left + 10]
        assert np.abs(inside - (color / 2 + 25)).max() <= 1
        assert (np.abs(outline.astype(int) - 153) <= 1).all()
    # A cross where the predicted pixels point to; a circle around the true one.
    assert centers[40, 50].tolist() == [0, 255, 255]
    circle = np.argwhere((centers == [0, 255, 0]).all(-1))
    np.testing.assert_allclose(circle.mean(0), [39.5, 34.5], atol=0.6)
    # Right of the point they lead left (cyan), and nothing is drawn off the car.
    red, green, blue = offsets[40, 65]
    assert red == 0 and green == blue > 100
    mask = panoptic_map(40)[0].numpy() == 1001
    assert not offsets[~mask].any()


def test_maps_of_another_size_are_named(tmp_path):
    sample = prediction(panoptic_map(20)[:, ::2, ::2])
    with pytest.raises(ValueError, match='here/street.png: gt_panoptic_seg is'):
        draw(tmp_path, sample)
