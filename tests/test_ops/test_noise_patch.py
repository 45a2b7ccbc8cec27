import torch

from segda_mm.ops.noise_patch import add_noise_patch


def test_noise_of_the_given_spread_fills_one_rectangle_of_each_image():
    torch.manual_seed(0)
    inputs = torch.zeros(16, 3, 40, 60)
    noisy = add_noise_patch(inputs, sigma=0.5)
    assert not inputs.any()
    sizes = set()
    for image in noisy:
        changed = (image != 0).all(0)
        assert torch.equal(changed, (image != 0).any(0))
        rows, columns = changed.any(1), changed.any(0)
        assert torch.equal(changed, rows[:, None] & columns[None])
        # One rectangle: no gap in the rows or columns.
        for line in (rows, columns):
            ends = line.nonzero()
            assert line.sum() == ends.max() - ends.min() + 1
        sizes.add(tuple(changed.nonzero().amax(0).tolist()))
    assert len(sizes) > 1
    values = noisy[noisy != 0]
    assert abs(values.std() - 0.5) < 0.02
    assert abs(values.mean()) < 0.02
