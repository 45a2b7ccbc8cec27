"""More is in the tests of the post-processing, against plain loops."""

import pytest
import torch

from segda_mm.ops.panoptic_grouping import find_centers


def test_peaks_of_a_map_by_hand():
    heatmap = torch.zeros(1, 1, 9, 20)
    heatmap[0, 0, 4, 2] = 0.9
    heatmap[0, 0, 4, 5] = 0.8  # three away: inside the window of the first
    heatmap[0, 0, 4, 9] = 0.3  # four away from the second, which is no center
    heatmap[0, 0, 0, 13:15] = 0.3  # a plateau is kept as a whole
    heatmap[0, 0, 8, 19] = 0.1  # not above the threshold
    (centers,) = find_centers(heatmap)
    assert centers.points.tolist() == [[4, 2], [0, 13], [0, 14], [4, 9]]
    assert centers.points.dtype == torch.int64
    assert centers.values.tolist() == pytest.approx([0.9, 0.3, 0.3, 0.3])
    assert find_centers(heatmap, top_k=2)[0].points.tolist() == [[4, 2], [0, 13]]
    assert find_centers(heatmap, threshold=0.3)[0].points.tolist() == [[4, 2]]
    assert [4, 5] in find_centers(heatmap, kernel_size=5)[0].points.tolist()
