"""What a user gets who installs the wheel and has no clone."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
BUILD = 'import sys; from setuptools import build_meta; {}(sys.argv[1])'

#: Runs several command lines in one process, as imports take long; tells where from.
RUN = """
import json, sys
from segda_cli.main import main
for words in json.loads(sys.argv[1]):
    assert main(words) == 0, words
import segda_mm
print(segda_mm.__file__)
"""


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """A folder with what the wheel of the source archive installs."""
    folder = tmp_path_factory.mktemp('installed')

    def run(*words, cwd):
        done = subprocess.run(
            [sys.executable, *words], cwd=cwd, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run('-c', BUILD.format('build_meta.build_sdist'), folder, cwd=ROOT)
    (archive,) = folder.glob('*.tar.gz')
    run('-m', 'tarfile', '--extract', archive.name, cwd=folder)
    source = archive.with_name(archive.name.removesuffix('.tar.gz'))
    run('-c', BUILD.format('build_meta.build_wheel'), folder, cwd=source)
    (wheel,) = folder.glob('*.whl')
    pip = ('-m', 'pip', 'install', '-q', '--no-deps', '--no-index', '--target', 'site')
    run(*pip, wheel.name, cwd=folder)
    return folder / 'site'


def installed(site, *command, cwd):
    """Run a program that sees the installation, and no clone; returns its output."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={
            **{k: v for k, v in os.environ.items() if k != 'PYTHONSAFEPATH'},
            'PYTHONPATH': str(site),
            'CUDA_VISIBLE_DEVICES': '',
        },
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_every_module_and_config_is_in_the_wheel(site):
    (wheel,) = site.parent.glob('*.whl')
    packed = {
        name for name in zipfile.ZipFile(wheel).namelist() if '.dist-info' not in name
    }
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in ('segda_cli', 'segda_mm')
        for suffix in ('py', 'jinja', 'html')
        for path in (ROOT / folder).rglob(f'*.{suffix}')
    } | {
        f'segda_mm/{path.relative_to(ROOT).as_posix()}'
        for suffix in ('py', 'yml')
        for path in (ROOT / 'configs').rglob(f'*.{suffix}')
    }
    assert packed == expected | {'segda_mm/py.typed'}


def test_the_page_of_commands_from_an_empty_folder(site, tmp_path):
    segda = site / 'bin' / 'segda'
    assert 'usage: segda ' in installed(
        site, sys.executable, segda, '--help', cwd=tmp_path
    )

    video = cv2.VideoWriter(
        str(tmp_path / 'drive.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10, (256, 128)
    )
    for brightness in (50, 250):
        video.write(np.full((128, 256, 3), brightness, np.uint8))
    video.release()
    page = (ROOT / 'docs/commands.md').read_text('utf-8')
    block = re.search(r'```bash\n(.*?)```', page, re.DOTALL)[1]
    commands = [shlex.split(line, comments=True)[1:] for line in block.splitlines()]
    for out, weights in (('run', 'runs/small'), ('graph', 'net.onnx')):
        words = ('drive.mp4', '--out', out, '--save=labels')
        commands.append(['predict', weights, *words])
    drawn = ['drawn.num_images=4', 'drawn.size=[128,64]', 'size=[128,64]']
    commands += [
        ['init', 'my.py', '--target', 'drive.mp4', '--recipe=source_only'],
        ['check', 'my.py', '--workers=0', '--cfg-options', *drawn],
        ['adapt', 'my.py', '--cfg-options', 'epochs=1', 'workers=0', *drawn],
        ['predict', 'work_dirs/my/source_only', 'drive.mp4', '--out', 'own.mp4'],
    ]
    told = installed(
        site, sys.executable, '-c', RUN, json.dumps(commands), cwd=tmp_path
    )
    assert Path(told.splitlines()[-1]).is_relative_to(site)
    assert (tmp_path / 'work_dirs/my/report.html').is_file()
    assert (tmp_path / 'own.mp4').stat().st_size > 1000
    for name in ('000000', '000001'):
        labels = [
            cv2.imread(str(tmp_path / kind / 'labels/drive' / f'{name}.png'), -1)
            for kind in ('run', 'graph')
        ]
        assert labels[0].shape == (128, 256)
        assert (labels[0] == labels[1]).mean() > 0.999
