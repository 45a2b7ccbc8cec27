import torch

from segda_mm.ops.domain_mixing import add_noise_patch, box_mask, class_mask


def test_half_of_the_classes_rounded_up_are_chosen_whole():
    labels = torch.tensor(
        [
            [[0, 0, 1, 2], [3, 3, 255, 2]],
            [[5, 5, 5, 5], [255, 255, 4, 1]],
            [[255] * 4, [255] * 4],
            [[2, 2, 2, 2], [2, 2, 2, 2]],
        ]
    )
    torch.manual_seed(0)
    seen = set()
    for _ in range(40):
        mask = class_mask(labels, num_classes=6)
        chosen = [set(image[where].tolist()) for image, where in zip(labels, mask)]
        for image, where, classes in zip(labels, mask, chosen):
            # All the pixels of a class, or none.
            assert classes.isdisjoint(image[~where].tolist())
        assert [len(classes) for classes in chosen] == [2, 2, 0, 1]
        assert not mask[labels == 255].any()
        seen.add(frozenset(chosen[0]))
    assert len(seen) == 6


def is_box(mask):
    """Whether a mask is one rectangle, with no gap in its rows or columns."""
    lines = mask.any(1), mask.any(0)
    ends = [line.nonzero() for line in lines]
    return torch.equal(mask, lines[0][:, None] & lines[1]) and all(
        line.sum() == end.max() - end.min() + 1 for line, end in zip(lines, ends)
    )


def test_boxes_have_the_shares_asked_for():
    torch.manual_seed(0)
    masks = box_mask(torch.zeros(400, 50, 80), min_share=0.2, max_share=0.6)
    shares = masks.float().mean((1, 2))
    # Sides are whole pixels.
    assert 0.17 < shares.min() < 0.22 and 0.58 < shares.max() < 0.63
    assert abs(shares.mean() - 0.4) < 0.02
    assert all(map(is_box, masks))
    # Everywhere in the image.
    assert masks.any(0).all()

    # Up to the whole of it.
    assert box_mask(torch.zeros(3, 5, 7), 1.0, 1.0).all()


def test_noise_of_the_given_spread_fills_one_rectangle_of_each_image():
    torch.manual_seed(0)
    inputs = torch.zeros(16, 3, 40, 60)
    noisy = add_noise_patch(inputs, sigma=0.5)
    assert not inputs.any()
    sizes = set()
    for image in noisy:
        changed = (image != 0).all(0)
        assert torch.equal(changed, (image != 0).any(0)) and is_box(changed)
        sizes.add(tuple(changed.nonzero().amax(0).tolist()))
    assert len(sizes) > 1
    values = noisy[noisy != 0]
    assert abs(values.std() - 0.5) < 0.02
    assert abs(values.mean()) < 0.02
