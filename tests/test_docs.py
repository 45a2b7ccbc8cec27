"""Links and commands of the texts lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from segda_cli.main import names, parser_of
from segda_mm.apis.config_files import find_config

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


def commands(text):
    """What follows `segda` in the blocks of a page, as words."""
    for block in re.findall(r'```(?:bash)?\n(.*?)```', text, re.DOTALL):
        block = re.sub(r'\$\([^)]*\)', 'X', block.replace('\\\n', ' '))
        for name, value in re.findall(r'^(\w+)=(\S+)$', block, re.MULTILINE):
            block = block.replace(f'${{{name}}}', value)
        started = r'^ *(?:\w+=\S+ )?(?:segda|RUN|torchrun .*-m segda_cli) (.+)'
        for words in re.findall(started, block, re.MULTILINE):
            yield shlex.split(words, comments=True)


@pytest.mark.parametrize('page', PAGES)
def test_commands_are_ones_that_can_be_typed(page, capsys):
    text = (ROOT / page).read_text('utf-8')
    for command, *words in commands(text):
        try:
            args = parser_of(command).parse_args(words)
        except SystemExit:
            pytest.fail(f'segda {command} {words}: {capsys.readouterr().err}')
        config = str(getattr(args, 'config', None) or getattr(args, 'plan', None) or '')
        if config and not config.endswith('.py') and not config.isupper():
            assert find_config(config).is_relative_to(ROOT / 'configs')
    assert set(re.findall(r'`segda ([a-z-]+)', text)) <= set(names())


def test_every_command_has_a_line_on_its_page():
    text = (ROOT / 'docs/commands.md').read_text('utf-8')
    assert set(re.findall(r'segda ([a-z-]+)', text)) >= set(names())


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
