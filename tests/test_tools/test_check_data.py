import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def gta5_root(tmp_path):
    for kind in ('images', 'labels'):
        (tmp_path / 'gta5' / kind).mkdir(parents=True)
    for i in range(4):
        rgb = np.full((6, 8, 3), 40 * i, dtype=np.uint8)
        Image.fromarray(rgb).save(tmp_path / f'gta5/images/{i:05d}.png')
        Image.fromarray(np.full((6, 8), 26, np.uint8)).save(
            tmp_path / f'gta5/labels/{i:05d}.png'
        )
    return tmp_path / 'gta5'


@pytest.fixture
def config(tmp_path, gta5_root):
    path = tmp_path / 'config.py'
    path.write_text(
        'train_dataloader = dict(dataset=dict('
        f"type='GTA5Dataset', data_root={str(gta5_root)!r}))\n"
    )
    return path


def test_problems_and_exclusion(run_command, capsys, config, gta5_root, tmp_path):
    assert run_command('check', config, '--split', 'target') == 2
    assert 'no data set for target' in capsys.readouterr().err
    (gta5_root / 'labels/00002.png').unlink()
    exclude = tmp_path / 'exclude.txt'
    words = ('check', config, '--workers', 0)
    assert run_command(*words, '--write-exclude', exclude) == 1
    assert 'labels/00002.png: is missing' in capsys.readouterr().out
    assert exclude.read_text().splitlines()[1:] == ['00002.png']
    option = f'train_dataloader.dataset.exclude={exclude}'
    assert run_command(*words, '--cfg-options', option) == 0
    out = capsys.readouterr().out
    assert '3 samples, 0 problems' in out
    assert ['car', '100.000%', '3'] in [line.split() for line in out.splitlines()]
    assert '0 problems in 1 data sets' in out


def test_what_a_step_cannot_do_is_told_as_in_training(run_command, capsys, toy_config):
    assert run_command('check', toy_config, '--workers', 0) == 0
    assert 'a step of training and validation went well' in capsys.readouterr().out
    # A model that can be built, and data that are well.
    option = 'model.decode_head.in_channels=5'
    told = []
    for words in (('check', '--workers', 0), ('train', '--no-report')):
        command, *options = words
        run_command(command, toy_config, *options, '--cfg-options', option)
        told.append(capsys.readouterr().err.strip().splitlines()[-1])
    assert 'channels' in told[0]
    assert told[0].partition(': ')[2] == told[1].partition(': ')[2]


def test_the_model_is_built_as_well(run_command, capsys, toy_config):
    option = 'model.decode_head.num_clases=3'
    assert run_command('check', toy_config, '--cfg-options', option) == 2
    assert 'model' in (told := capsys.readouterr().err) and 'num_clases' in told
