import pytest
import torch

from segda_mm.ops.panoptic_outputs import (
    PanopticOutputs,
    mirror_panoptic_outputs,
    resize_panoptic_outputs,
)


def maps_to_one_center(size, center):
    """Perfect offsets to one point, and its coordinates painted elsewhere."""
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in size)
    y, x = torch.meshgrid(rows, columns, indexing='ij')
    offset = torch.stack([center[0] - y, center[1] - x])[None]
    ramps = torch.stack([y / (size[0] - 1), x / (size[1] - 1), y * 0])[None]
    return PanopticOutputs(ramps, ramps[:, :1], offset)


@pytest.mark.parametrize('size', [(33, 49), (5, 25), (9, 26)])
def test_offsets_still_lead_to_the_center(size):
    # Linear maps survive bilinear resizing with aligned corners exactly.
    resized = resize_panoptic_outputs(maps_to_one_center((9, 13), (2.5, 7.0)), size)
    center = (2.5 * (size[0] - 1) / 8, 7.0 * (size[1] - 1) / 12)
    for mine, expected in zip(resized, maps_to_one_center(size, center), strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-5)


def test_half_precision_is_left_before_offsets_grow():
    maps = maps_to_one_center((9, 13), (2.0, 3.0))
    half = PanopticOutputs(*(values.bfloat16() for values in maps))
    resized = resize_panoptic_outputs(half, (1025, 2049))
    assert all(values.dtype == torch.float32 for values in resized)
    # 3 * 2048 / 12 - 1 has no bfloat16.
    torch.testing.assert_close(resized.offset[0, 1, 0, 1].item(), 511.0)


@pytest.mark.parametrize(
    ('direction', 'center', 'axes'),
    [
        ('horizontal', (2.5, 5.0), (-1,)),
        ('vertical', (5.5, 7.0), (-2,)),
        ('diagonal', (5.5, 5.0), (-2, -1)),
    ],
)
def test_mirrored_offsets_lead_to_the_mirrored_center(direction, center, axes):
    maps = maps_to_one_center((9, 13), (2.5, 7.0))
    mirrored = mirror_panoptic_outputs(maps, direction)
    expected = maps_to_one_center((9, 13), center)
    torch.testing.assert_close(mirrored.offset, expected.offset)
    assert torch.equal(mirrored.seg_logits, maps.seg_logits.flip(axes))
    assert torch.equal(mirrored.center_heatmap, maps.center_heatmap.flip(axes))


def test_unknown_direction():
    with pytest.raises(ValueError, match="'sideways'.*RandomFlip"):
        mirror_panoptic_outputs(maps_to_one_center((3, 3), (1, 1)), 'sideways')
