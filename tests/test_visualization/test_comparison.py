import numpy as np
import pytest

from segda_mm.visualization import comparison_figure

CLASSES = ('road', 'sky')
PALETTE = [[10, 200, 30], [250, 20, 220]]


def test_grid_titles_legend_and_colours(tmp_path):
    images = [np.full((8, 16, 3), value, np.uint8) for value in (40, 90)]
    truths = [np.zeros((8, 16), np.uint8), np.ones((8, 16), np.uint8)]
    predictions = {'source only': truths[::-1], 'oracle': truths}
    figure = comparison_figure(images, truths, predictions, CLASSES, PALETTE)
    axes = np.array(figure.axes).reshape(2, 4)
    assert [axis.get_title() for axis in axes[0]] == [
        'image',
        'truth',
        'source only',
        'oracle',
    ]
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


def test_column_of_another_length_is_named():
    image = np.zeros((2, 2, 3), np.uint8)
    labels = np.zeros((2, 2), np.uint8)
    with pytest.raises(ValueError, match='"oracle" has 0 pictures for 1'):
        comparison_figure([image], [labels], {'oracle': []}, CLASSES, PALETTE)
    with pytest.raises(ValueError, match='at least one image'):
        comparison_figure([], [], {}, CLASSES, PALETTE)
