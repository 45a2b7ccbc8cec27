"""The generated blocks of a page, each between two markers."""

from __future__ import annotations

import re

_BEGIN = re.compile(r'^<!-- (.+): begin -->$', re.MULTILINE)


def block_labels(page: str) -> list[str]:
    """The labels of the blocks that begin in a page, from top to bottom."""
    return _BEGIN.findall(page)


def fill_block(page: str, label: str, text: str) -> str:
    """Put a text between the two markers of a block, in place of what is there.

    Args:
        page: Markdown with the lines ``<!-- LABEL: begin -->`` and
            ``<!-- LABEL: end -->``.
        label: Of the block.
        text: Its new content.

    Raises:
        ValueError: The page has not each marker once, the first one first.
    """
    lines = page.split('\n')
    begin, end = (f'<!-- {label}: {side} -->' for side in ('begin', 'end'))
    once = lines.count(begin) == lines.count(end) == 1
    if not once or lines.index(begin) > lines.index(end):
        raise ValueError(
            f'the page needs one line {begin!r} and below it one line {end!r}'
        )
    before, after = lines[: lines.index(begin) + 1], lines[lines.index(end) :]
    return '\n'.join([*before, '', text, '', *after])
