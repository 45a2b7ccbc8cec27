import pytest
import torch

from segda_mm.ops.label_edges import label_edges


def test_edges_stand_on_both_sides_of_a_border():
    labels = torch.tensor([[[[0, 0, 0, 1, 1, 1]]]])
    assert label_edges(labels, 2).flatten().tolist() == [0, 0, 1, 1, 0, 0]
    assert label_edges(labels, 4).flatten().tolist() == [0, 1, 1, 1, 1, 0]
    # A border to void is none.
    labels = torch.tensor([[[[0, 0], [255, 255], [1, 2]]]])
    assert label_edges(labels, 2)[0, 0].tolist() == [[0, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize('width', [0, 3])
def test_a_width_that_cannot_be_halved_is_refused(width):
    with pytest.raises(ValueError, match=f'edge_width is {width}'):
        label_edges(torch.zeros(1, 1, 2, 2, dtype=torch.long), width)
