"""Panoptic grouping of any maps, pixel by pixel."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segda_mm.ops.panoptic_grouping import find_centers, group_pixels
from segda_mm.ops.panoptic_post_processing import panoptic_post_processing

VOID = 255000
THINGS = (2, 3)
SIZES = st.tuples(st.integers(1, 6), st.integers(1, 6))

#: Small steps make ties, large ones lead far out of the image.
OFFSETS = st.integers(-8, 8).map(lambda n: n / 2) | st.floats(-1e4, 1e4, width=32)


@st.composite
def images(draw, size):
    """Labels with void, a heatmap with plateaus, and offsets of one image."""
    labels = arrays(np.int64, size, elements=st.sampled_from([0, 1, 2, 3, 255]))
    heatmap = arrays(np.float32, size, elements=st.sampled_from([0, 0.0625, 0.25, 1]))
    offset = arrays(np.float32, (2, *size), elements=OFFSETS)
    return draw(labels), draw(heatmap), draw(offset)


@given(st.data(), SIZES, st.integers(0, 9))
def test_things_get_an_instance_of_their_image_or_void(data, size, stuff_area):
    batch = [data.draw(images(size)) for _ in range(2)]
    inputs = [torch.from_numpy(np.stack(maps)) for maps in zip(*batch)]
    inputs[1] = inputs[1][:, None]

    def run(some):
        return panoptic_post_processing(
            *some, THINGS, nms_kernel_size=3, stuff_area=stuff_area
        )

    for index, prediction in enumerate(run(inputs)):
        alone = run([maps[index : index + 1] for maps in inputs])[0]
        assert torch.equal(prediction.codes, alone.codes)
        check(prediction, *(maps[index] for maps in inputs), stuff_area)


def check(prediction, labels, heatmap, offset, stuff_area):
    codes, labels = prediction.codes.numpy(), labels.numpy()
    (centers,) = find_centers(heatmap[None], kernel_size=3)
    is_thing = np.isin(labels, THINGS)
    if not len(centers.points):
        assert (codes[is_thing] == VOID).all()
    else:
        assert (codes[is_thing] != VOID).all()
    instance_codes = prediction.instance_codes.tolist()
    assert set(codes[is_thing].tolist()) - {VOID} == set(instance_codes)
    assert len(set(instance_codes)) == len(instance_codes)
    for code, label, value in zip(
        instance_codes,
        prediction.instance_labels.tolist(),
        prediction.center_values.tolist(),
    ):
        votes = np.bincount(labels[codes == code], minlength=4)
        assert label == code // 1000 == votes.argmax()
        assert code % 1000 >= 1
        # One group is what points to one center.
        pixels = torch.from_numpy(np.flatnonzero(codes == code))
        nearest = group_pixels(centers.points, offset, pixels)
        assert len(set(nearest.tolist())) == 1
        assert value == centers.values[nearest[0]]
    for label in (0, 1):
        own = codes[labels == label]
        large = len(own) >= stuff_area
        assert (own == (label * 1000 if large else VOID)).all()
    assert (codes[labels == 255] == VOID).all()
