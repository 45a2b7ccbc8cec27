"""Missing, old, overwritten and broken libraries each give one plain sentence."""

import configparser
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from segda_mm import dependencies

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def installed(monkeypatch):
    """A dict that stands for what is installed; tests change it."""
    versions = dict(dependencies.MINIMUM_VERSIONS)

    def version(name):
        if versions.get(name) is None:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, 'version', version)
    return versions


@pytest.mark.parametrize(
    ('versions', 'problem'),
    [
        ({}, None),
        (
            {'torch': None, 'onedl-mmcv': None},
            'Not installed: torch, onedl-mmcv; .*pip install -e .',
        ),
        (
            {'onedl-mmengine': '0.10.4'},
            r'onedl-mmengine 0.10.4 \(at least 0.10.12 is needed\)',
        ),
        (
            {'torch': '2.10.0a0+ecf3bae40a.nv25.01', 'scipy': '1.11.0', 'numpy': '2'},
            None,
        ),
        ({'opencv-python': None, 'opencv-python-headless': '4.11'}, None),
        (
            {'mmsegmentation': '1.2.2'},
            'mmsegmentation 1.2.2 stands over the files of onedl-mmseg.*'
            '`pip uninstall -y mmsegmentation`',
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_remedy(installed, versions, problem):
    installed.update(versions)
    found = dependencies.dependency_problems()
    assert len(found) == (problem is not None)
    assert problem is None or re.search(problem, found[0])


def test_a_library_that_cannot_be_imported_is_named(monkeypatch, tmp_path):
    (tmp_path / 'broken_stack.py').write_text("raise OSError('libc10.so\\nis gone')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(dependencies, '_STACK', ('broken_stack', 'never_reached'))
    (problem,) = dependencies.import_problems()
    assert '`broken_stack` is installed but cannot be imported' in problem
    assert '(OSError: libc10.so is gone)' in problem


def test_a_tool_exits_with_one_line_said_once(installed, monkeypatch, capsys):
    installed['torch'] = None
    monkeypatch.setattr(dependencies, '_reported', set())
    for _ in range(2):
        with pytest.raises(SystemExit) as exit_info:
            dependencies.require_dependencies()
        assert exit_info.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == ''
    assert printed.err.count('\n') == 1
    assert printed.err.startswith('segda_mm cannot be used here. Not installed: torch;')


def test_setup_cfg_and_the_lock_agree_with_the_minimum_versions():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(REPOSITORY / 'setup.cfg')
    lines = parser['options']['install_requires'].split()
    # Whoever has another build of OpenCV does not get this one by us.
    lines.append('opencv-python>=4.10')
    asked = dict(re.match(r'([\w-]+)>=([\d.]+)', line).groups() for line in lines)
    assert asked == dependencies.MINIMUM_VERSIONS
    assert pinned('lock.txt', asked) >= asked.keys()
    lines = parser['options.extras_require']['docs'].split()
    asked = dict(line.split('>=') for line in lines)
    names = pinned('docs.txt', asked)
    assert names >= asked.keys()
    assert not names & pinned('lock.txt', {})


def pinned(file, asked):
    """Names of a file of pins, none of which is older than asked."""
    lines = (REPOSITORY / 'requirements' / file).read_text().splitlines()
    pins = [line.split(' ; ')[0].split('==') for line in lines if '==' in line[:40]]
    for name, version in pins:
        assert not dependencies.is_older(version, asked.get(name, '0')), name
    return {name for name, _ in pins}


def test_importing_the_package_prints_nothing_and_leaves_the_apis():
    """They are imported when one of their functions is asked for."""
    program = (
        'import sys, segda_mm; assert "segda_mm.apis" not in sys.modules; '
        'assert segda_mm.train.__module__ == "segda_mm.apis.training"; '
        'assert all(callable(getattr(segda_mm, name)) for name in segda_mm.__all__)'
    )
    result = subprocess.run(
        [sys.executable, '-c', program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ('', '')
