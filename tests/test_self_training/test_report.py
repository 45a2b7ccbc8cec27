"""The same frames, round by round."""

import numpy as np

from segda_mm.self_training.report import rounds_figure


def test_there_is_a_row_for_each_frame_and_a_column_for_each_round():
    frames = [np.full((4, 8, 3), value, np.uint8) for value in (10, 90)]
    columns = {'round 1': frames, 'round 2': frames[::-1], 'truth': [None, frames[0]]}
    figure = rounds_figure(frames, columns)
    panels = figure.get_axes()
    assert len(panels) == 8
    assert [panel.get_title() for panel in panels[:4]] == [
        'image',
        'round 1',
        'round 2',
        'truth',
    ]
    shown = [[int(im.get_array().flat[0]) for im in panel.images] for panel in panels]
    assert shown == [[10], [10], [90], [], [90], [90], [10], [10]]
