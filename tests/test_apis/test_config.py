import warnings

import pytest

from segda_mm.apis import PreflightError, load_config
from segda_mm.apis.config import parse_cfg_options


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'small_net.py'
    path.write_text(
        "model = dict(type='A', heads=[dict(channels=1), dict(channels=2)])\n"
        'train_cfg = dict(max_epochs=50)\n'
    )
    return path


def test_options_override_dicts_and_list_entries(config):
    cfg = load_config(config, ['train_cfg.max_epochs=3', 'model.heads.1.channels=8'])
    assert cfg.train_cfg.max_epochs == 3
    assert [head.channels for head in cfg.model.heads] == [1, 8]


def test_options_are_literals():
    options = parse_cfg_options(['a=1e-3', 'b=[x,2]', 'c=None', 'd=False', 'e=p/q=r'])
    assert options == {'a': 1e-3, 'b': ['x', 2], 'c': None, 'd': False, 'e': 'p/q=r'}


def test_option_without_a_value_is_named():
    with pytest.raises(PreflightError, match='not "fast"'):
        parse_cfg_options(['a=1', 'fast'])


def test_missing_config_is_named(tmp_path):
    with pytest.raises(PreflightError, match='there is no config .*absent'):
        load_config(tmp_path / 'absent.py')


@pytest.mark.parametrize(
    'given, own, expected',
    [
        (None, '', 'work_dirs/small_net'),
        (None, "work_dir = 'mine'", 'mine'),
        ('yours', "work_dir = 'mine'", 'yours'),
    ],
)
def test_work_dir(config, given, own, expected):
    config.write_text(config.read_text() + own)
    assert load_config(config, work_dir=given).work_dir == expected


def test_a_key_that_looks_misspelt_is_pointed_out(config):
    with pytest.warns(UserWarning, match='"max_epoch" to train_cfg.*"max_epochs"'):
        load_config(config, ['train_cfg.max_epoch=3'])


def test_new_keys_are_welcome(config):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        cfg = load_config(config, ['model.init_cfg.checkpoint=a.pth'])
    assert cfg.model.init_cfg.checkpoint == 'a.pth'
