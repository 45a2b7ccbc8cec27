"""Any panoptic codes, to the files of Cityscapes and COCO and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segda_mm.datasets.formats.cityscapes_instances import (
    codes_from_instance_ids,
    instance_ids_from_codes,
)
from segda_mm.datasets.formats.cityscapes_labels import THING_CLASSES
from segda_mm.datasets.formats.panoptic_files import (
    codes_from_segments,
    segments_from_codes,
)

VOID = 255


def pictures(values, side=4):
    return arrays(np.int64, st.tuples(*[st.integers(1, side)] * 2), elements=values)


#: Stuff and groups of the 19 classes, instances of things, and void.
CODES = st.one_of(
    st.integers(0, 18).map(lambda label: label * 1000),
    st.builds(
        lambda label, instance: label * 1000 + instance,
        st.sampled_from(THING_CLASSES),
        st.integers(1, 999),
    ),
    st.just(VOID * 1000),
)


@given(pictures(CODES))
def test_instance_ids_lead_back_to_their_codes(codes):
    ids = instance_ids_from_codes(codes)
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(codes_from_instance_ids(ids), codes)


@given(st.data())
def test_segments_lead_back_to_their_codes(data):
    things = data.draw(st.sets(st.integers(0, 5)))
    codes = data.draw(
        pictures(
            st.builds(
                lambda label, instance: label * 1000 + (label in things) * instance,
                st.integers(0, 5),
                st.integers(0, 3),
            )
            | st.just(VOID * 1000)
        )
    )
    label_ids = data.draw(st.permutations(range(1, 7)))
    ids, segments = segments_from_codes(codes, label_ids, things)
    class_of_category = {label_id: i for i, label_id in enumerate(label_ids)}
    back = codes_from_segments(ids, segments, class_of_category, things)
    # Instances count anew from 1 in each class.
    np.testing.assert_array_equal(back // 1000, codes // 1000)
    np.testing.assert_array_equal(back % 1000 > 0, codes % 1000 > 0)
    pairs = set(zip(codes.ravel().tolist(), back.ravel().tolist()))
    assert len(set(codes.ravel().tolist())) == len(pairs)
    assert len(set(back.ravel().tolist())) == len(pairs)
    assert sum(part['area'] for part in segments) == (codes != VOID * 1000).sum()
