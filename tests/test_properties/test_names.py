"""File names: those of the data sets lead to their frames, others to a DataError."""

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


@given(st.lists(GARBAGE, min_size=2, max_size=4))
def test_other_names_lead_to_a_sentence_or_to_frames(names):
    def made_by(function, *what):
        try:
            return function()
        except DataError as error:
            assert any(part in str(error) for part in (*names, *what))
            return ()

    assert set(made_by(lambda: select_frames(names))) <= set(names)
    describe = CityscapesSequenceDataset.describe_names
    assert set(made_by(lambda: describe(None, names))) <= set(names)
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
