import numpy as np
import pytest
from PIL import Image

from segda_mm.visualization import (
    power_law_exponent,
    save_scaling_figure,
    scaling_figure,
)


@pytest.mark.parametrize('exponent', [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law(exponent):
    x = np.array([1, 3, 10, 50])
    assert power_law_exponent(x, 7 * x**exponent) == pytest.approx(exponent)


def test_the_exponent_is_that_of_a_fit_of_logarithms():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(1, 100, 12), rng.uniform(1, 100, 12)
    expected = np.polyfit(np.log(x), np.log(y), 1)[0]
    assert power_law_exponent(x, y) == pytest.approx(expected)


@pytest.mark.parametrize(
    ('x', 'y', 'reason'),
    [
        ([2], [3], 'two different sizes'),
        ([2, 2], [3, 4], 'two different sizes'),
        ([1, 2], [0, 4], 'positive'),
        ([-1, 2], [3, 4], 'positive'),
    ],
)
def test_no_exponent_where_there_is_none(x, y, reason):
    with pytest.raises(ValueError, match=reason):
        power_law_exponent(x, y)


def panels():
    line = [dict(x=x, y=3 * x, low=2.5 * x, high=4 * x) for x in (1, 2, 4)]
    dot = [dict(x=1, y=5, low=5, high=5)]
    return [
        dict(title='size', x_label='pixels', y_label='ms', curves=dict(net=line)),
        dict(title='one', x_label='cores', y_label='ms', curves=dict(a=line, b=dot)),
    ]


def test_slopes_stand_in_the_legends_and_axes_are_logarithmic():
    left, right = scaling_figure(panels()).axes
    texts = [text.get_text() for text in left.get_legend().get_texts()]
    assert texts == ['net: slope 1.00']
    texts = [text.get_text() for text in right.get_legend().get_texts()]
    assert texts == ['a: slope 1.00', 'b']
    assert left.get_xscale() == left.get_yscale() == 'log'
    assert right.get_legend().get_title().get_text() == 'one'
    with pytest.raises(ValueError, match='no panel'):
        scaling_figure([])


def test_a_picture_is_written_as_its_name_says(tmp_path):
    for name, kind in (('a.png', 'PNG'), ('b', 'PNG'), ('c.jpg', 'JPEG')):
        save_scaling_figure(panels(), tmp_path / name)
        assert Image.open(tmp_path / name).format == kind
