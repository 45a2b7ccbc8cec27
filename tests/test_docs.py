"""Links and commands of the texts lead somewhere."""

import posixpath
import re
import shlex
import subprocess
import sys
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
        text = (ROOT / page).read_text('utf-8')
        links = re.findall(r'\]\(([^)#:]+\.md)', text)
        names = {posixpath.normpath(f'{page}/../{link}') for link in links}
        waiting += names.union(contents(page)) - seen
    assert seen == set(PAGES)


def contents(page):
    """Pages that a page's tables of contents name; patterns find what is left."""
    text = (ROOT / page).read_text('utf-8')
    for block in re.findall(r'```\{toctree\}\n(.*?)```', text, re.DOTALL):
        named = ['README.md']
        for entry in re.findall(r'^[^:\n].*', block, re.MULTILINE):
            name = re.sub(r'.*<(.*)>', r'\1', entry)
            files = ROOT.glob(posixpath.normpath(f'{page}/../{name}.md'))
            found = [file.relative_to(ROOT).as_posix() for file in files]
            assert found, entry
            named += set(found) - set(named) if '*' in name else found
        yield from named[1:]


def test_every_page_is_once_in_the_contents_of_the_site():
    # README is the first page of the repository, as `index.md` is of the site.
    found, waiting = ['README.md', 'docs/index.md'], ['docs/index.md']
    while waiting:
        new = list(contents(waiting.pop()))
        found += new
        waiting += new
    assert sorted(found) == PAGES


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip('sphinx', reason='`make docs` installs it')
    (make,) = re.findall(r'-m (sphinx .*) -c', (ROOT / 'Makefile').read_text())
    command = [sys.executable, '-m', *make.split(), '-c', 'docs', '.', tmp_path]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    reference = (tmp_path / 'docs/api/methods.html').read_text('utf-8')
    assert 'id="segda_mm.methods.MeanTeacher"' in reference


def test_the_first_pages_are_short():
    for page, most in (('README.md', 900), ('CONTRIBUTING.md', 1200)):
        assert len((ROOT / page).read_text('utf-8').split()) <= most, page
