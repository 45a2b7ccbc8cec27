import pytest

from segda_mm.apis.page_blocks import block_labels, fill_block

BEGIN, END = '<!-- a table: begin -->', '<!-- a table: end -->'


def test_what_stands_between_the_markers_is_replaced():
    other = '<!-- other: begin -->\nkept\n<!-- other: end -->'
    page = f'before\n{BEGIN}\nold\n\nolder\n{END}\n{other}\nafter\n'
    filled = fill_block(page, 'a table', '| new |')
    assert filled == f'before\n{BEGIN}\n\n| new |\n\n{END}\n{other}\nafter\n'
    assert fill_block(filled, 'a table', '| new |') == filled
    assert block_labels(filled) == ['a table', 'other']


def test_markers_are_lines_of_their_own():
    assert block_labels(f'write `{BEGIN}` above it') == []


@pytest.mark.parametrize(
    'lines',
    [
        [],
        [BEGIN],
        [END],
        [END, BEGIN],
        [BEGIN, END, END],
        [BEGIN, BEGIN, END],
        [f'`{BEGIN}`', END],
    ],
)
def test_a_page_without_its_markers_is_refused(lines):
    with pytest.raises(ValueError, match='the page needs one line .*a table: begin'):
        fill_block('\n'.join(lines), 'a table', 'text')
