import torch

from segda_mm.ops.domain_mixing import box_mask, class_mask


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


def test_boxes_have_the_shares_asked_for():
    torch.manual_seed(0)
    masks = box_mask(torch.zeros(400, 50, 80), min_share=0.2, max_share=0.6)
    shares = masks.float().mean((1, 2))
    # Sides are whole pixels.
    assert 0.17 < shares.min() < 0.22 and 0.58 < shares.max() < 0.63
    assert abs(shares.mean() - 0.4) < 0.02
    for mask in masks:
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns)
        assert (
            rows.int().diff().abs().sum() <= 2 and columns.int().diff().abs().sum() <= 2
        )
    # Everywhere in the image.
    assert masks.any(0).all()

    # Up to the whole of it.
    assert box_mask(torch.zeros(3, 5, 7), 1.0, 1.0).all()
