"""The notebooks are files that viewers open, and their cells run, in small."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from segda_cli.main import parser_of

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / 'docs/notebooks').glob('*.ipynb'))
SHELL = re.compile(r'^!(.+)$', re.MULTILINE)
#: What makes the trainings of the cells short.
SMALLER = {
    '--epochs 3': '--epochs 1',
    'num_images=48, size=(256, 128)': 'num_images=8, size=(128, 64)',
}

pytestmark = pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text('utf-8'))


def code_of(notebook):
    """Its code cells as plain Python, where ``shell(line)`` takes the lines of `!`."""
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    return [
        SHELL.sub(lambda line: f'shell({line[1]!r})', ''.join(cell['source']))
        for cell in cells
    ]


def test_its_form_is_that_of_version_4(path):
    notebook = read(path)
    assert (notebook['nbformat'], notebook['nbformat_minor']) == (4, 5)
    assert notebook['metadata']['kernelspec']['name'] == 'python3'
    ids = [cell['id'] for cell in notebook['cells']]
    assert len(set(ids)) == len(ids) > 0
    for cell in notebook['cells']:
        wanted = {'cell_type', 'id', 'metadata', 'source'}
        if cell['cell_type'] == 'code':
            wanted |= {'execution_count', 'outputs'}
        assert set(cell) == wanted
        assert cell['cell_type'] in ('code', 'markdown')


def test_it_is_small_and_of_no_machine(path):
    text = path.read_text('utf-8')
    assert len(text) < 100_000
    assert not re.search(r'(?<![\w.])/(home|root|tmp|Users|work|opt)/', text)


def test_its_lines_can_be_typed_and_its_links_lead_somewhere(path):
    notebook = read(path)
    for code in code_of(notebook):
        compile(code, path.name, 'exec')
    for cell in notebook['cells']:
        text = ''.join(cell['source'])
        if cell['cell_type'] == 'code':
            lines = SHELL.findall(text)
        else:
            lines = re.findall(r'`(segda [^`]+)`', text)
            for link in re.findall(r'\]\((?!https?:)([^)#]+)', text):
                assert path.parent.joinpath(link).exists(), link
        for line in lines:
            program, command, *words = shlex.split(line)
            assert program == 'segda'
            parser_of(command).parse_args(words)


@pytest.mark.slow
def test_its_cells_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scripts = Path(sys.executable).parent
    monkeypatch.setenv('PATH', f'{scripts}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('PYTHONPATH', str(ROOT))

    def shell(line):
        subprocess.run(line, shell=True, check=True)

    names = dict(shell=shell)
    *cells, last = code_of(read(path))
    for words, fewer in SMALLER.items():
        assert any(words in code for code in cells), words
        cells = [code.replace(words, fewer) for code in cells]
    for code in cells:
        exec(code, names)
    # A notebook shows the value of its last line: here a frame beside its overlay.
    *lines, shown = last.splitlines()
    exec('\n'.join(lines), names)
    exec(f'picture = {shown}', names)
    height, width = names['frame'].labels.shape
    assert names['picture'].size == (2 * width, height)
