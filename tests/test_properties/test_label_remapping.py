"""Any label table, any labels: what is known is looked up, the rest refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segda_mm.datasets import DataError
from segda_mm.datasets.formats.cityscapes_instances import (
    codes_from_instance_ids,
    instance_ids_from_codes,
)
from segda_mm.datasets.formats.cityscapes_labels import THING_CLASSES
from segda_mm.datasets.formats.label_files import label_table, to_train_ids
from segda_mm.datasets.formats.panoptic_files import (
    codes_from_segments,
    segments_from_codes,
)

VOID = 255

#: -1 is stored as 255.
TABLES = st.dictionaries(
    st.integers(-1, 254), st.integers(0, 255), min_size=1, max_size=12
)


def pictures(values, side=4):
    return arrays(np.int64, st.tuples(*[st.integers(1, side)] * 2), elements=values)


@given(st.data(), TABLES)
def test_known_ids_become_their_train_ids(data, mapping):
    ids = data.draw(pictures(st.sampled_from(sorted(mapping)))).astype(np.uint8)
    # mmseg makes such a map of the classes that a config leaves out or renames.
    classes = st.sampled_from(sorted({*mapping.values(), 0} - {VOID}))
    label_map = data.draw(st.dictionaries(classes, st.integers(0, 255), max_size=4))
    # What Pillow decodes cannot be written to, and a crop is not contiguous.
    ids.flags.writeable = False
    ids = ids[:, ::-1]
    made = to_train_ids(ids, label_table(mapping), 'a.png', label_map)
    assert made.dtype == np.uint8
    stored = {label_id % 256: train_id for label_id, train_id in mapping.items()}
    for place in np.ndindex(*ids.shape):
        train_id = stored[int(ids[place])]
        assert made[place] == label_map.get(train_id, train_id)
        if train_id == VOID:
            assert made[place] == VOID


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


@given(pictures(st.integers(0, 65535)))
def test_instance_ids_of_no_meaning_are_always_refused(ids):
    def has_meaning(value):
        label, instance = (value, None) if value < 1000 else divmod(value, 1000)
        if instance is None:
            return label <= 33 or label == 255
        return 24 <= label <= 33 and instance < 999

    if all(map(has_meaning, ids.ravel().tolist())):
        codes_from_instance_ids(ids)
    else:
        with pytest.raises(DataError, match='has the instance ids'):
            codes_from_instance_ids(ids)


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
