"""What docs/own_data.md shows is so."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import segda_mm
from segda_cli.main import main, parser_of
from segda_mm.apis import load_config
from segda_mm.apis.checks.preflight import require_data
from segda_mm.apis.own.settings import SETTINGS
from segda_mm.datasets.data_check import check_data
from segda_mm.testing.own_streets import CLASSES, write_own_streets

PAGE = (Path(__file__).parents[1] / 'docs/own_data.md').read_text('utf-8')
FILES = dict(re.findall(r'```python\n# (\w+\.py)\n(.+?)```', PAGE, re.DOTALL))
COMMANDS = [
    line
    for block in re.findall(r'```bash\n(.+?)```', PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_own_streets(tmp_path)
    shutil.copytree(tmp_path / 'my/masks', tmp_path / 'my/ids')
    for mask in (tmp_path / 'my/ids').iterdir():
        with Image.open(mask) as image:
            gray = np.asarray(image).sum(2)
        Image.fromarray(np.where(gray < 300, 7, 26).astype(np.uint8)).save(mask)
    meta = dict(CLASSES=(*CLASSES,), PALETTE=[*CLASSES.values()])
    weights = {'backbone.weight': torch.ones(1)}
    torch.save(dict(state_dict=weights, meta=meta), tmp_path / 'zoo.pth')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize('name', FILES)
def test_the_files_are_settled_and_fit_the_data(folder, name):
    Path(name).write_text(FILES[name])
    cfg = load_config(name)
    require_data(cfg, ('train_dataloader', 'val_dataloader'))
    reports = check_data(cfg)
    assert [report.problems for report in reports] == [[]] * len(reports)
    assert cfg.model.generator.segmentor.decode_head.num_classes == 5
    # Workers that stay never learn of the next epoch; the loop refuses them.
    assert cfg.train_dataloader.num_workers == 2
    assert not cfg.train_dataloader.get('persistent_workers')


def test_init_writes_the_file_that_is_shown(folder):
    line = next(line for line in COMMANDS if ' init ' in line)
    assert main(line.split()[1:]) == 0
    shown = load_config_of(FILES['my.py'])
    written = load_config_of(Path('my.py').read_text())
    # Names are the user's; what else differs would be wrong.
    palettes = [
        cfg.test_dataloader.dataset.metainfo.palette for cfg in (shown, written)
    ]
    assert sorted(palettes[0]) == sorted(palettes[1])
    for cfg in (shown, written):
        cfg.pop('test_dataloader')
    assert (
        shown.train_dataloader.dataset.target == written.train_dataloader.dataset.target
    )
    assert shown.param_scheduler == written.param_scheduler
    assert shown.test_pipeline == written.test_pipeline


def load_config_of(text):
    Path('shown.py').write_text(text)
    return load_config('shown.py')


def test_the_commands_and_settings_are_known():
    for line in COMMANDS:
        if line.startswith('#'):
            continue
        program, command, *words = line.split()
        assert program == 'segda'
        parser_of(command).parse_args(words)
    listed = re.search(r'\| setting \|.+?\n\n', PAGE, re.DOTALL)[0]
    named = {
        word
        for row in re.findall(r'^\| (`.+?) \|', listed, re.M)
        for word in re.findall(r'`(\w+)`', row)
    }
    assert named == set(SETTINGS) - {'drawn'}
    recipes = re.search(r'\| recipe \|.+?\n\n', PAGE, re.DOTALL)[0]
    for name in re.findall(r'^\| (`.+?) \|', recipes, re.M):
        for recipe in re.findall(r'`(\w+)`', name):
            assert (Path(__file__).parents[1] / f'configs/own/{recipe}.py').is_file()


def test_what_it_names_of_python_is_there():
    names = re.findall(r'`segda_mm\.(\w+)', PAGE)
    assert {'adapt', 'load_config'} <= set(names)
    assert all(callable(getattr(segda_mm, name)) for name in names)
