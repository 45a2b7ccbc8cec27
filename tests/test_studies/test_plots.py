import numpy as np
import pytest
from PIL import Image

from studies.experiment_error import ExperimentError
from studies.plots import curve_of, draw_plot, save_plot


def plot_of(world, **entries):
    plot = dict(name='p', title='P', figure='mIoU', **entries)
    return world.study(plots=[plot])


def draw(study):
    return draw_plot(study.experiment.plots[0], study.results())


def test_a_curve_by_hand():
    trainings = [
        [dict(epoch=1, mIoU=1.0), dict(epoch=2, mIoU=3.0)],
        [dict(epoch=1, mIoU=None), dict(epoch=2, mIoU=7.0)],
    ]
    (first, one), (second, both) = curve_of(trainings, 'mIoU')
    assert (first, one.mean, one.deviation) == (1, 1.0, None)
    assert (second, both.mean) == (2, 5.0)
    assert both.deviation == pytest.approx(np.std([3.0, 7.0], ddof=1))


def test_curves_are_means_with_bands(world):
    study = plot_of(world, kind='curves', runs=['DSC', 'source'])
    for seed, figure in enumerate([3.0, 7.0]):
        world.add(study, 'DSC', seed, validations=[dict(epoch=2, mIoU=figure)])
    (axes,) = draw(study).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[2, 5]]
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert [band.min(), band.max()] == pytest.approx([5 - 8**0.5, 5 + 8**0.5])


def test_bars_have_whiskers_and_what_papers_give(world, tmp_path):
    study = plot_of(
        world, kind='bars', runs=['source', 'DSC', 'oracle'], published=dict(DSC=30.7)
    )
    world.add_mIoU(study, source=[10.0, 14.0], DSC=[20.0])
    figure = draw(study)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [12.0, 20.0]
    (whisker,) = axes.collections[0].get_segments()
    assert [y for _, y in whisker] == pytest.approx([12 - 8**0.5, 12 + 8**0.5])
    assert [30.7] in [list(line.get_ydata()) for line in axes.lines]
    save_plot(figure, tmp_path / 'p.png')
    with Image.open(tmp_path / 'p.png') as picture:
        pixels = np.asarray(picture.convert('RGB'))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10


def test_a_line_has_one_point_a_result_in_the_order_of_x(world):
    lines = {'adapted': dict(oracle=100, source=10, DSC=40), 'other': dict(source=40)}
    study = plot_of(world, kind='lines', lines=lines, xlabel='labels')
    world.add_mIoU(study, source=[10.0, 14.0], oracle=[20.0])
    (axes,) = draw(study).axes
    adapted, other = (container.lines[0] for container in axes.containers)
    assert adapted.get_xydata().tolist() == [[10, 12], [100, 20]]
    assert other.get_xydata().tolist() == [[40, 12]]
    assert axes.get_xlabel() == 'labels'
    assert [text.get_text() for text in axes.get_legend().texts] == [*lines]
    assert axes.get_xticks().tolist() == [10, 40, 100]


@pytest.mark.parametrize(
    'entries',
    [
        dict(kind='curves', runs=['DSC']),
        dict(kind='bars', runs=['DSC'], published=dict(DSC=3.0)),
        dict(kind='lines', lines={'all': dict(DSC=1)}),
    ],
)
def test_without_results_there_is_no_picture(world, entries):
    assert draw(plot_of(world, **entries)) is None


def test_a_figure_that_no_validation_has_is_named(world):
    study = plot_of(world, kind='curves', runs=['DSC'])
    world.add(study, 'DSC', 0, validations=[dict(epoch=1, PQ=1.0)])
    with pytest.raises(ExperimentError, match="plots.p: no validation of DSC has 'mI"):
        draw(study)
