import torch

from segda_mm.ops.feature_distance import summed_distance, thing_cells


def test_cells_are_those_that_one_thing_class_covers():
    labels = torch.full((2, 8, 12), 255)
    labels[0, :3, :4] = 5  # 12 of the 16 pixels of the first cell
    labels[0, :2, 4:8], labels[0, 2:4, 4:8] = 5, 6  # together they fill the second
    labels[0, :4, 8:] = 1  # no thing
    labels[1, 4:, :4] = 6
    labels[1, 4:, 4:8] = 6
    labels[1, 4:6, 4:7] = 255  # 10 are left
    expected = torch.zeros(2, 2, 3, dtype=torch.bool)
    expected[0, 0, 0] = expected[1, 1, 0] = True
    assert torch.equal(thing_cells(labels, (5, 6), (2, 3), 0.75), expected)


def test_distances_are_summed_in_cells():
    features = torch.tensor([[3.0, 1.0, 9.0], [4.0, 1.0, 9.0]]).view(1, 2, 1, 3)
    cells = torch.tensor([[[True, True, False]]])
    expected = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)
    total = summed_distance(features, expected, cells)
    torch.testing.assert_close(total, torch.tensor((9 + 9) ** 0.5 + 1.0))
