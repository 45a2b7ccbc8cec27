"""File names: those of the data sets lead to their frames, others to a DataError."""

from types import SimpleNamespace

from hypothesis import example, given
from hypothesis import strategies as st

from segda_mm.datasets import CityscapesSequenceDataset, DataError
from segda_mm.datasets.camvid import select_frames
from segda_mm.datasets.snippets import (
    FRAMES_AFTER,
    FRAMES_BEFORE,
    CityscapesSnippets,
    PatternSnippets,
)

LETTERS = 'ab0X9'
WORDS = st.text(LETTERS, min_size=1, max_size=4)
NUMBERS = st.integers(0, 999_999)

#: What a folder may hold, and what looks like a name of the data sets.
GARBAGE = st.text('ab/_.- 09\n\0\u0663\u00b2\ud800', max_size=12) | st.builds(
    '{}_{}_{}{}'.format,
    *[st.text('ab/09\u0663_', max_size=3)] * 3,
    st.sampled_from(['', '.jpg', '_leftImg8bit', '_leftImg8bit.png', '\n']),
)


@st.composite
def camvid_names(draw):
    frames = draw(
        st.dictionaries(WORDS, st.sets(NUMBERS, min_size=1, max_size=6), max_size=3)
    )
    form = draw(st.sampled_from(['{}_{:06d}.jpg', 'train/{}_f{:05d}.jpg']))
    return {
        sequence: [form.format(sequence, number) for number in sorted(numbers)]
        for sequence, numbers in frames.items()
    }


@given(st.data(), camvid_names())
def test_sequences_and_parts_of_camvid(data, by_sequence):
    names = [name for part in by_sequence.values() for name in part]
    mixed = data.draw(st.permutations(names))
    assert select_frames(mixed) == sorted(names)
    for sequence, part in by_sequence.items():
        assert select_frames(mixed, [sequence]) == sorted(part)
        cut = data.draw(st.floats(0.01, 0.99))
        spacing = data.draw(st.floats(1, 5))
        for choices in (
            (dict(frames=(0.0, cut)), dict(frames=(cut, 1.0))),
            (dict(every=spacing), dict(leave_out_every=spacing)),
        ):
            halves = [selected(mixed, [sequence], **choice) for choice in choices]
            # In the order of time, whatever the number of digits.
            assert sorted(halves[0] + halves[1]) == sorted(part)
            if 'frames' in choices[0]:
                assert halves[0] == sorted(part[: len(halves[0])])
            else:
                assert part[0] in halves[0]


def selected(names, sequences, **choice):
    try:
        return select_frames(names, sequences, **choice)
    except DataError as error:
        assert 'leaves nothing' in str(error)
        return []


@given(st.lists(GARBAGE, min_size=2, max_size=4))
def test_other_names_lead_to_a_sentence_or_to_frames(names):
    def made_by(function, *what):
        try:
            return function()
        except DataError as error:
            assert any(part in str(error) for part in (*names, *what))
            return ()

    assert set(made_by(lambda: select_frames(names))) <= set(names)
    assert set(made_by(lambda: describe(names, 2, 1))) <= set(names)
    files = {names[0]: 'a.png'}
    form = 'CITY_SEQUENCE_FRAME'
    found = made_by(lambda: CityscapesSnippets(files).find(names[1]), form)
    assert not found or found.name.startswith('of ')


@st.composite
def recordings(draw):
    """Numbers of annotated frames by recording."""
    recording = st.tuples(WORDS, NUMBERS).map(lambda pair: f'{pair[0]}_{pair[1]:06d}')
    frames = st.sets(st.integers(0, 120), min_size=1, max_size=4)
    return draw(st.dictionaries(recording, frames, min_size=1, max_size=3))


@given(st.data(), recordings())
def test_frames_find_their_snippet(data, annotated):
    files = {
        f'{recording}_{number:06d}': f'gtFine/{recording}_{number}.png'
        for recording, numbers in annotated.items()
        for number in numbers
    }
    snippets = CityscapesSnippets(files)
    recording = data.draw(st.sampled_from(sorted(annotated)))
    # Within its snippet, or just out of it.
    number = data.draw(st.sampled_from(sorted(annotated[recording])))
    frame = max(0, number + data.draw(st.integers(-21, 12)))
    name = f'{recording}_{frame:06d}'
    folder = data.draw(st.sampled_from(['', 'train/aachen/']))
    found = snippets.find(f'{folder}{name}_leftImg8bit.png')
    near = [
        number
        for number in sorted(annotated[recording])
        if -FRAMES_BEFORE <= frame - number <= FRAMES_AFTER
    ]
    assert found.is_annotated == (name in files)
    if near:
        closest = min(near, key=lambda number: abs(number - frame))
        assert found.name == f'of {recording}_{closest:06d}'
        assert found.label_files == (files[f'{recording}_{closest:06d}'],)
    else:
        assert found.label_files == ()


PATTERNS = st.builds(
    '{}(?P<snippet>{}){}'.format,
    *[st.text('(){}?a_*+|\\d.019', max_size=size) for size in (2, 4, 6)],
)


@given(st.lists(st.text(LETTERS + '_', max_size=8), min_size=1, max_size=4), PATTERNS)
@example(['a', 'b'], '(?P<snippet>a)|b')
@example(['a'], '(?P<snippet>a{99999999999})')
def test_any_pattern(names, pattern):
    try:
        snippets = PatternSnippets(pattern, {name: f'{name}.png' for name in names})
    except ValueError as error:
        assert 'pattern=' in str(error)
        return
    for name in names:
        found = snippets.find(f'{name}.jpg')
        assert found is None or isinstance(found.name, str)


@given(st.data())
def test_frames_of_whole_snippets(data):
    length = data.draw(st.integers(1, 4))
    index = data.draw(st.integers(0, length - 1))
    starts = data.draw(st.dictionaries(WORDS, st.integers(0, 99), max_size=3))
    counts = {city: data.draw(st.integers(1, 3)) for city in starts}
    names = [
        f'{city}/{city}_000000_{start + offset:06d}_leftImg8bit.png'
        for city, start in starts.items()
        for offset in range(length * counts[city])
    ]
    details = describe(data.draw(st.permutations(names)), length, index)
    assert details.keys() == set(names)
    for place, name in enumerate(names):
        first = place - place % length
        assert details[name] == dict(
            snippet=names[first].removesuffix('_leftImg8bit.png'),
            frame_index=place % length,
            is_annotated=place % length == index,
            annotated_path=names[first + index],
        )


def describe(names, length, index):
    own = SimpleNamespace(snippet_length=length, annotated_index=index)
    return CityscapesSequenceDataset.describe_names(own, names)
