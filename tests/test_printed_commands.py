"""Commands of the pages run as they are printed, or say what they need.

Each page in the order of its blocks, in one folder without a clone; pages about a
network go on in the folder of docs/own_data.md, which trains one, those of configs in
one with a small drawn world.
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
from segda_mm.minicity import write_cityscapes, write_gta5
from segda_mm.testing.own_streets import write_own_streets

ROOT = Path(__file__).parents[1]
#: The first trains the network that the others are about.
PAGES = ['docs/own_data.md', '*.md', 'docs/**/*.md', 'configs/**/*.md', 'studies/*.md']
OWN_FOLDER = ('README.md', 'docs/commands.md', 'docs/get_started.md')
#: What makes the drawn worlds small, of which one is the source of own data.
_WORLD = 'drawn.num_images=4 drawn.size=[128,64] size=[128,64]'
SMALLER = {
    'segda adapt --target drive.mp4': f' --cfg-options epochs=1 {_WORLD}',
    'segda adapt --target drive.mp4 --quick': f' --cfg-options batch_size=2 {_WORLD}',
    'segda minicity --gta5 144 --train 144 --val 40': ' --gta5 4 --train 4 --val 2',
}
#: Where a reader and this test see that a line, or a block whose first line it is, does
#: not run everywhere.
MARK = re.compile(r'# .*\b(needs?|takes?|fetch(es|ed)?) ')


def blocks():
    """Yield (page, language, text) of all blocks of code."""
    found = dict.fromkeys(path for page in PAGES for path in sorted(ROOT.glob(page)))
    for path in found:
        text = path.read_text('utf-8')
        for language, block in re.findall(r'```(.*)\n((?s:.*?))```', text):
            yield path.relative_to(ROOT).as_posix(), language, block


def commands():
    """Yield (page, line or program, whether it is marked) of what somebody types."""
    for page, language, block in blocks():
        if language == 'python' and 'from segda_mm import' in block:
            yield page, block, False
        if language == 'bash':
            whole = MARK.match(block.partition('\n')[0])
            for line in block.replace('\\\n', ' ').splitlines():
                if line and not line.startswith('#'):
                    marked = bool(whole or MARK.search(line))
                    yield page, re.sub(r'\s+#.*', '', line), marked


def printed():
    """Parameters (page, line) of what runs."""
    # tests/test_installation.py runs the first block of this page, from a wheel.
    wheel = next(block for page, _, block in blocks() if page == 'docs/commands.md')
    wheel = [re.sub(r'\s+#.*', '', line) for line in wheel.splitlines()]
    for page, line, marked in commands():
        if not marked and not (page == 'docs/commands.md' and line in wheel):
            name = line.partition('\n')[0]
            yield pytest.param(page, line, id=f'{page}: {name}')


def test_commands_can_be_tested_or_say_what_they_need():
    for page, language, block in blocks():
        assert language in ('bash', 'python', 'text') or '{' in language, (page, block)
        if language == 'text':
            started = r'^\W*(segda|python|pip|make|docker|torchrun|pytest) '
            assert not re.search(started, block, re.MULTILINE), (page, block)
    for page, line, marked in commands():
        runs = re.match(r'segda |python -m segda_mm|from segda_mm', line)
        assert marked or runs, f'{page}: "{line}" neither runs nor says what it needs'


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Folders by page, with the data that a page takes for granted."""
    made = {}

    def folder(page):
        name = page if page in OWN_FOLDER else 'docs/own_data.md'
        name = 'configs' if page.startswith('configs') else name
        if name not in made:
            made[name] = path = tmp_path_factory.mktemp(Path(name).stem)
            if name == 'configs':
                write_gta5(path / 'data/minicity/gta5', 4)
                write_cityscapes(path / 'data/minicity/cityscapes', train=4, val=2)
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
        if words[0].startswith('from '):
            sys.exit(exec(words[0], {}))
        sys.exit(subprocess.call([sys.executable, *words[1:]]))


def words_of(line, folder):
    """As a shell splits it: it knows quotes and patterns."""
    told = ['bash', '-c', f'words() {{ printf \'%s\\0\' "$@"; }}; words {line}']
    split = subprocess.run(told, cwd=folder, capture_output=True, check=True)
    return split.stdout.decode().split('\0')[:-1]


def ask(process, output):
    """Wait for a server's address, ask there, and stop it as Ctrl-C does."""
    while not (address := re.search(r'http://\S+', output.read_text('utf-8'))):
        assert process.is_alive(), output.read_text('utf-8')
        time.sleep(0.1)
    with urlopen(address[0]) as answer:
        assert b'<html' in answer.read()
    os.kill(process.pid, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize(('page', 'line'), list(printed()))
def test_printed_line(page, line, folders, tmp_path):
    folder, output = folders(page), tmp_path / 'output.txt'
    output.touch()
    line += SMALLER.get(line, '')
    words = [line] if line.startswith('from ') else words_of(line, folder)
    context = multiprocessing.get_context('fork')
    process = context.Process(target=job, args=(words, folder, output))
    process.start()
    try:
        if words[1:2] == ['review']:
            ask(process, output)
        process.join(900)
        assert process.exitcode == 0, output.read_text('utf-8')[-3000:]
    finally:
        process.kill()
