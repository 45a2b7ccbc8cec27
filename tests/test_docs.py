"""Links and commands of the texts lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for pattern in ('*.md', 'docs/**/*.md', 'configs/**/*.md', 'studies/**/*.md')
    for page in ROOT.glob(pattern)
)


@pytest.mark.parametrize('page', PAGES)
def test_links_and_named_files_exist(page):
    text = (ROOT / page).read_text('utf-8')
    links = re.findall(r'\]\((?!https?:|#)([^)#]+)', text)
    missing = {
        link for link in links if not (ROOT / page).parent.joinpath(link).exists()
    }
    # Programs and configs, as commands name them: from the root.
    named = re.findall(r'(?<![\w/.-])((?:tools|studies|configs)/[\w./-]+\.py)\b', text)
    missing |= {name for name in named if not (ROOT / name).exists()}
    assert not missing


def test_every_page_is_reached_from_the_first():
    seen, waiting = set(), ['README.md', 'studies/README.md', 'CHANGELOG.md']
    while waiting:
        page = waiting.pop()
        seen.add(page)
        for link in re.findall(r'\]\(([^)#:]+\.md)', (ROOT / page).read_text('utf-8')):
            target = (ROOT / page).parent.joinpath(link).resolve()
            name = target.relative_to(ROOT).as_posix()
            if name not in seen:
                waiting.append(name)
    assert seen == set(PAGES)


def test_the_first_pages_are_short():
    for page, most in (('README.md', 900), ('CONTRIBUTING.md', 1200)):
        assert len((ROOT / page).read_text('utf-8').split()) <= most, page
