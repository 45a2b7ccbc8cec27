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
    options = ['train_cfg.max_epochs=3', 'model.heads.1.channels=8']
    cfg = load_config(config, [*options, 'model.init_cfg.checkpoint=a.pth'])
    assert cfg.train_cfg.max_epochs == 3
    assert [head.channels for head in cfg.model.heads] == [1, 8]
    assert cfg.model.init_cfg.checkpoint == 'a.pth'


def test_options_are_literals_and_blanks_of_a_path_stay():
    pairs = ['a=1e-3', 'b=[x,2]', 'c=None', 'd=my runs/epoch 3.pth', 'e="x y"', 'f= 7']
    assert parse_cfg_options(pairs) == dict(
        a=1e-3, b=['x', 2], c=None, d='my runs/epoch 3.pth', e='x y', f=7
    )


def test_mappings_are_those_of_python():
    pairs = ["a=[{'type': 'X', 'b': [1, 2]}]", 'c={"d": None}', 'e=epoch_{}.pth']
    assert parse_cfg_options(pairs) == dict(
        a=[dict(type='X', b=[1, 2])], c=dict(d=None), e='epoch_{}.pth'
    )
    with pytest.raises(PreflightError, match='no value of Python.*a mapping is'):
        parse_cfg_options(["a=[dict(type='X', b=1)]"])


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


PLUGIN = "dict(imports=['no_such_plugin'], allow_failed_imports=False)"


@pytest.mark.parametrize(
    'text, message',
    [
        ('model = dict(', 'SyntaxError'),
        ("_base_ = './gone.py'", 'gone.py'),
        ('model = dict(type=undefined)', 'undefined'),
        (f'custom_imports = {PLUGIN}', 'no_such_plugin'),
    ],
)
def test_a_config_that_cannot_be_read_is_named(config, text, message):
    config.write_text(text)
    with pytest.raises(PreflightError, match=f'small_net.py cannot be .*{message}'):
        load_config(config)


@pytest.mark.parametrize(
    'option, message',
    [
        ('modle.type=B', 'nothing reads modle in a config; did you mean model'),
        ('crop=[8,8]', 'nothing reads crop any more'),
        ('model.heads.2.channels=8', 'model.heads.2.channels=8 does not fit'),
        ('train_cfg.max_epochs.first=1', 'does not fit what .* max_epochs'),
        ('fast', 'not "fast"'),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(config, option, message):
    config.write_text(
        'crop = (4, 4)\n'
        + config.read_text().replace(
            'dict(', 'dict(data_preprocessor=dict(size=crop), ', 1
        )
    )
    with pytest.raises(PreflightError, match=message):
        load_config(config, [option])
