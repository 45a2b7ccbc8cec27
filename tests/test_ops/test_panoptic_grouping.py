"""More is in the tests of the post-processing, against plain loops."""

import pytest
import torch
import torch.nn.functional as F

from segda_mm.ops.panoptic_grouping import find_centers, group_pixels


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


@pytest.mark.parametrize('kernel_size', [1, 3, 5, 7, 13])
def test_the_window_is_that_of_max_pooling(kernel_size):
    heatmap = torch.rand(1, 1, 12, 17, generator=torch.Generator().manual_seed(0))
    pooled = F.max_pool2d(heatmap, kernel_size, 1, kernel_size // 2)
    (centers,) = find_centers(heatmap, 0.2, kernel_size, 999)
    peaks = ((heatmap == pooled) & (heatmap > 0.2))[0, 0]
    assert sorted(centers.points.tolist()) == peaks.nonzero().tolist()


def test_wrong_inputs_are_named():
    with pytest.raises(ValueError, match=r'shape \(2, 3\), but must be \(N, 1, H, W\)'):
        find_centers(torch.zeros(2, 3))
    with pytest.raises(ValueError, match='no center to group'):
        group_pixels(torch.zeros(0, 2), torch.zeros(2, 1, 1), torch.tensor([0]))
