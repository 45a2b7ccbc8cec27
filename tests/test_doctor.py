"""The doctor's report: data roots, faults with remedies, exit status."""

import subprocess
import sys
from pathlib import Path

from segda_mm import doctor
from segda_mm.doctor import DATA_ROOTS, inspect_data_root

REPOSITORY = Path(__file__).parents[1]


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_counted_by_the_ends_of_their_names(tmp_path):
    touch(*(tmp_path / f'leftImg8bit/train/{x}/0_leftImg8bit.png' for x in 'ab'))
    touch(tmp_path / 'leftImg8bit/train/a/readme.txt')
    lines, faults = inspect_data_root(tmp_path, DATA_ROOTS['cityscapes'])
    assert lines[1].split() == ['leftImg8bit/train/*/*_leftImg8bit.png', '2']
    assert [fault.split(';')[0] for fault in faults] == [
        f'There is no {tmp_path}/leftImg8bit/val/*/*_leftImg8bit.png',
        f'There is no {tmp_path}/gtFine/val/*/*_gtFine_labelIds.png',
    ]


def test_the_report(tmp_path, capsys):
    import torch

    assert doctor.main(['--data', str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert 'gta5: not there (expected: images/*.png, labels/*.png)' in printed
    assert 'What is wrong\n  nothing' in printed
    assert f'Python {sys.version.split()[0]}' in printed
    assert torch.__version__.split('+')[0] in printed
    assert f'torch computes on {torch.get_num_threads()} threads' in printed
    assert 'segda minicity --out data/minicity' in printed
    touch(tmp_path / 'gta5/images/00001.png')
    assert doctor.main(['--data', str(tmp_path)]) == 1
    fault = f'There is no {tmp_path}/gta5/labels/*.png; put the files there'
    assert fault in capsys.readouterr().out


def test_it_runs_where_no_library_is_installed():
    result = subprocess.run(
        [sys.executable, '-S', '-m', 'segda_mm.doctor'],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    # Importing the package gave one sentence.
    assert result.stderr.count('\n') == 1
    assert 'Not installed: torch' in result.stderr
    assert 'unknown without torch' in result.stdout
    assert 'Not installed: torch, torchvision, numpy' in result.stdout
