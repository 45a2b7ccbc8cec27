"""The same frames, round by round."""

import numpy as np

from segda_mm.self_training.report import paint_labels, rounds_figure, spread

PALETTE = [[200, 10, 10], [10, 200, 10]]


def test_frames_are_spread_over_the_set():
    names = [f'{index:02d}' for index in range(10)]
    assert spread(names[::-1], 4) == ['00', '03', '06', '09']
    assert spread(names[:2], 4) == ['00', '01']
    assert spread(names, 1) == ['00']


def test_labels_get_the_colours_of_the_data_set():
    painted = paint_labels(dict(gt_seg_map=np.uint8([[0, 1, 255]])), PALETTE)
    assert painted.tolist() == [[[200, 10, 10], [10, 200, 10], [0, 0, 0]]]
    codes = np.int32([[0, 1001, 1002]])
    sample = dict(gt_panoptic_seg=codes, gt_seg_map=np.uint8([[0, 1, 1]]))
    painted = paint_labels(sample, PALETTE)
    assert painted[0, 0].tolist() == [200, 10, 10]
    assert painted[0, 1].tolist() != painted[0, 2].tolist()


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
