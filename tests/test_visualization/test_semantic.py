import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from segda_mm.visualization import OverlayVisualizer, colorize, comparison_figure


def test_palette_and_void():
    palette = [[128, 64, 128], [0, 0, 142]]
    labels = np.array([[0, 1], [255, 7]], np.uint8)
    expected = [[[128, 64, 128], [0, 0, 142]], [[0, 0, 0], [0, 0, 0]]]
    picture = colorize(labels, palette)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, expected)


CLASSES = ('road', 'sky')
PALETTE = [[10, 200, 30], [250, 20, 220]]


def test_grid_titles_legend_and_colours(tmp_path):
    images = [np.full((8, 16, 3), value, np.uint8) for value in (40, 90)]
    truths = [np.zeros((8, 16), np.uint8), np.ones((8, 16), np.uint8)]
    predictions = {'source only': truths[::-1], 'oracle': truths}
    figure = comparison_figure(images, truths, predictions, CLASSES, PALETTE)
    axes = np.array(figure.axes).reshape(2, 4)
    titles = [axis.get_title() for axis in axes[0]]
    assert titles == ['image', 'truth', 'source only', 'oracle']
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ['road', 'sky', 'void']
    shown = [[axis.images[0].get_array() for axis in row] for row in axes]
    pixels = [[picture[0, 0].tolist() for picture in row] for row in shown]
    assert pixels == [
        [[40] * 3, PALETTE[0], PALETTE[1], PALETTE[0]],
        [[90] * 3, PALETTE[1], PALETTE[0], PALETTE[1]],
    ]
    figure.savefig(tmp_path / 'comparison.png', dpi=50)
    assert (tmp_path / 'comparison.png').stat().st_size > 1000


# Not the colours of Cityscapes, mmseg's default.
META = dict(classes=('a', 'b'), palette=[[200, 0, 0], [0, 0, 100]])


def draw(tmp_path, with_truth, finer=1):
    sample = SegDataSample(metainfo=dict(ori_shape=(32, 64)))
    sample.pred_sem_seg = PixelData(data=torch.zeros(1, 32, 64, dtype=torch.long))
    if with_truth:
        truth = torch.ones(1, 32, 64, dtype=torch.long)
        truth[0, 16:] = 255
        sample.gt_sem_seg = PixelData(data=truth)
    backend = dict(type='LocalVisBackend', save_dir=str(tmp_path), img_save_dir='')
    visualizer = OverlayVisualizer('drawing', vis_backends=[backend], alpha=0.5)
    visualizer.dataset_meta = META
    image = np.full((32 * finer, 64 * finer, 3), 50, np.uint8)
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
    assert draw(tmp_path, with_truth=False).shape == (32, 128, 3)
    # Evaluated at another size than that of the file.
    np.testing.assert_array_equal(draw(tmp_path, True, finer=2), picture)
