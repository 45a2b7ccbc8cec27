"""What the hosting site runs and shows fits the package."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml

from segda_cli.main import parser_of

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / '.github/workflows').glob('*.yml'))


def steps(workflow):
    """The shell lines of all jobs."""
    for job in yaml.safe_load(workflow.read_text('utf-8'))['jobs'].values():
        for step in job['steps']:
            yield from step.get('run', '').splitlines()


@pytest.mark.parametrize('workflow', WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_what_there_is(workflow):
    targets = re.findall(r'^([a-z]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    lines = list(steps(workflow))
    assert lines
    for line in lines:
        program, *words = shlex.split(line)
        if program == 'make':
            assert set(words) <= set(targets)
        if program == 'segda':
            parser_of(words[0]).parse_args(words[1:])


def test_the_oldest_and_the_newest_python_are_tested():
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / 'setup.cfg')
    supported = re.findall(r'Python :: (3\.\d+)', setup['metadata']['classifiers'])
    jobs = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())['jobs']
    tested = jobs['tests']['strategy']['matrix']['python']
    assert set(tested) <= set(supported)
    assert {supported[0], supported[-1]} <= set(tested)


def test_the_page_of_support_names_the_locked_and_the_accepted_versions():
    page = (ROOT / 'SUPPORT.md').read_text('utf-8')
    lock = dict(
        re.findall(
            r'^([\w-]+)==([\w.]+)$',
            (ROOT / 'requirements/lock.txt').read_text(),
            re.MULTILINE,
        )
    )
    rows = re.findall(
        r'^\| (.*\b(?:onedl|PyTorch)\b.*) \| (.+) \| (.+) \|$', page, re.M
    )
    assert len(rows) == 3
    setup = (ROOT / 'setup.cfg').read_text()
    for names, tested, accepted in rows:
        names = [
            name.strip('`').replace('PyTorch', 'torch') for name in names.split(', ')
        ]
        assert [lock[name] for name in names] == tested.split(', ')
        for name, bound in zip(names, re.findall(r'[\d.]+', accepted), strict=True):
            sign = '>=' if name.startswith('torch') else '<'
            (asked,) = re.findall(rf'^ +{name}([<>=].+)$', setup, re.MULTILINE)
            assert f'{sign}{bound}' in asked.split(',')


def test_the_container_is_built_of_what_there_is():
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / 'setup.cfg')
    dockerfile = (ROOT / 'Dockerfile').read_text('utf-8')
    kept = re.findall(r'^!(.+)$', (ROOT / '.dockerignore').read_text(), re.MULTILINE)
    assert all((ROOT / name).exists() for name in kept)
    # What setuptools reads.
    needed = {'setup.cfg', 'setup.py', 'pyproject.toml', 'README.md'}
    needed |= set(setup['metadata']['license_files'].split())
    needed |= {'segda_cli', 'segda_mm', 'configs'}
    needed |= set(re.findall(r'^COPY (?!\.)(\S+)', dockerfile, re.MULTILINE))
    assert set(kept) == needed
    (extras,) = re.findall(r"'\.\[(.+)\]'", dockerfile)
    assert set(extras.split(',')) <= set(setup['options.extras_require'])
    (script,) = re.findall(r'^ENTRYPOINT \["(\w+)"\]', dockerfile, re.MULTILINE)
    assert f'{script} =' in setup['options.entry_points']['console_scripts']
    for name in ('torch', 'torchvision'):
        (minimum,) = re.findall(rf"'({name}>=[\d.]+)'", dockerfile)
        assert minimum in setup['options']['install_requires'].split()
