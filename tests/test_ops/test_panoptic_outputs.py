"""Sizes and mirrors are in the tests of PanopticDeepLab."""

import torch

from segda_mm.ops.panoptic_outputs import PanopticOutputs, resize_panoptic_outputs


def test_half_precision_is_left_before_offsets_grow():
    # Each pixel points to column 3.
    right = 3 - torch.arange(13.0).expand(1, 1, 9, 13)
    offset = torch.cat([torch.zeros_like(right), right], 1)
    maps = PanopticOutputs(right, right, offset)
    half = PanopticOutputs(*(values.bfloat16() for values in maps))
    resized = resize_panoptic_outputs(half, (1025, 2049))
    assert all(values.dtype == torch.float32 for values in resized)
    # 3 * 2048 / 12 - 1 has no bfloat16.
    torch.testing.assert_close(resized.offset[0, 1, 0, 1].item(), 511.0)
