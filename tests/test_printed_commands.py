"""Lines of README and docs that begin with `segda` run as they are printed.

Each page in the order of its lines, in one folder without a clone; pages about a
network go on in the folder of docs/own_data.md, which trains one.
"""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from segda_cli.main import main
from segda_mm.testing.own_streets import write_own_streets

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
#: The first trains the network that the others are about.
PAGES = ['docs/own_data.md', 'README.md', 'docs/**/*.md']
OWN_FOLDER = ('README.md', 'docs/commands.md', 'docs/get_started.md')
SKIPPED = {
    r'(?<!minicity[-/])(?<!--)(gta2cs|gta5|cityscapes|mapillary|imagenet|camvid)': (
        'licensed'
    ),
    r'^torchrun|--launcher': 'a launcher',
    r'^segda weights \w': 'fetched from the network',
    r'^segda demo': 'takes minutes of two cores: `make demo`',
}
#: What makes the drawn worlds small, of which one is the source of own data.
SMALLER = {
    'segda adapt --target drive.mp4': ' --cfg-options epochs=1 drawn.num_images=4 '
    'drawn.size=[128,64] size=[128,64]',
    'segda minicity --gta5 144 --train 144 --val 40': ' --gta5 4 --train 4 --val 2',
}


def printed():
    """Parameters (page, line), skipped ones marked; lines go on after a backslash."""
    found = dict.fromkeys(path for page in PAGES for path in sorted(ROOT.glob(page)))
    for path in found:
        page = path.relative_to(ROOT).as_posix()
        blocks = re.findall(r'```bash\n(.*?)```', path.read_text('utf-8'), re.DOTALL)
        if page == 'docs/commands.md':
            del blocks[0]  # tests/test_installation.py runs it, from a wheel.
        lines = ''.join(blocks).replace('\\\n', ' ').splitlines()
        for line in lines:
            if not re.match(r'segda |torchrun |python -m segda', line):
                continue
            line = re.sub(r'\s+#.*', '', line)
            why = [why for rule, why in SKIPPED.items() if re.search(rule, line)]
            marks = [pytest.mark.skip(reason=why[0])] if why else []
            yield pytest.param(page, line, marks=marks, id=f'{page}: {line}')


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Folders by page, with the data that a page takes for granted."""
    made = {}

    def folder(page):
        name = page if page in OWN_FOLDER else 'docs/own_data.md'
        if name not in made:
            made[name] = path = tmp_path_factory.mktemp(Path(name).stem)
            write_own_streets(path)
            for kind in ('images', 'masks'):
                for file in sorted((path / 'my' / kind).iterdir())[4:]:
                    file.unlink()
                (path / kind).symlink_to(path / 'my' / kind)
        return made[name]

    return folder


def job(words, folder, output):
    """What a process of its own does; forked, for imports take long."""
    os.chdir(folder)
    os.environ['PYTHONPATH'] = str(ROOT)
    with open(output, 'w') as sys.stdout:
        sys.stderr = sys.stdout
        for stream in (1, 2):
            os.dup2(sys.stdout.fileno(), stream)
        if words[0] == 'segda':
            sys.exit(main(words[1:]))
        sys.exit(subprocess.call([sys.executable, *words[1:]]))


def ask(process, output):
    """Wait for a server's address, ask there, and stop it as Ctrl-C does."""
    while not (address := re.search(r'http://\S+', output.read_text('utf-8'))):
        assert process.is_alive(), output.read_text('utf-8')
        time.sleep(0.1)
    with urlopen(address[0]) as answer:
        assert b'<html' in answer.read()
    os.kill(process.pid, signal.SIGINT)


@pytest.mark.parametrize(('page', 'line'), list(printed()))
def test_printed_line(page, line, folders, tmp_path):
    folder, output = folders(page), tmp_path / 'output.txt'
    output.touch()
    line += SMALLER.get(line, '')
    # A shell splits the line: it knows quotes and patterns.
    told = ['bash', '-c', f'words() {{ printf \'%s\\0\' "$@"; }}; words {line}']
    split = subprocess.run(told, cwd=folder, capture_output=True, check=True)
    words = split.stdout.decode().split('\0')[:-1]
    context = multiprocessing.get_context('fork')
    process = context.Process(target=job, args=(words, folder, output))
    process.start()
    try:
        if words[1] == 'review':
            ask(process, output)
        process.join(900)
        assert process.exitcode == 0, output.read_text('utf-8')[-3000:]
    finally:
        process.kill()
