"""Configs by name, from any folder."""

import sys
from pathlib import Path

import pytest

from segda_mm.apis.config_files import find_config, read_config, shipped_configs
from segda_mm.errors import PreflightError

ROOT = Path(__file__).parents[2]
DSC = 'adversarial-dsc_bisenetv1-r18_minicity-128x256'


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('mpl_bisenet_gta2cs', 'mpl_bisenet_gta2cs.py'),
        ('configs/mpl_bisenet_gta2cs.py', 'mpl_bisenet_gta2cs.py'),
        (DSC, f'adversarial/{DSC}.py'),
        (f'adversarial/{DSC}', f'adversarial/{DSC}.py'),
        (f'{DSC}.py', f'adversarial/{DSC}.py'),
        ('segda_mm::_base_/default_runtime.py', '_base_/default_runtime.py'),
        ('segda_mm::poly_8e', '_base_/schedules/poly_8e.py'),
    ],
)
def test_a_name_leads_to_its_file_from_any_folder(name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == ROOT / 'configs' / file


def test_a_file_of_ones_own_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('mpl_bisenet_gta2cs.py').write_text('a = 1')
    assert find_config('mpl_bisenet_gta2cs') == Path('mpl_bisenet_gta2cs.py')
    assert read_config('mpl_bisenet_gta2cs').a == 1


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('mpl_bisenet_gta2c', 'did you mean mpl_bisenet_gta2cs'),
        ('poly_8e', 'there is no config poly_8e'),
        ('segda_mm::../setup.py', 'there is no config'),
        ('mmseg::no_such_thing_at_all', 'there is no config mmseg::no_such'),
        ('nowhere::a.py', 'a package that is not installed'),
        ('json::a.py', 'installed json .* holds no configs'),
    ],
)
def test_what_is_no_config(name, message):
    with pytest.raises(PreflightError, match=message):
        find_config(name)


def test_every_shipped_config_has_a_name_of_its_own():
    stems = [name.rpartition('/')[2] for name in shipped_configs()]
    assert len(stems) == len(set(stems)) > 60
    assert 'mpl_bisenet_gta2cs' in stems and 'poly_8e' not in stems


def test_bases_of_packages_and_modules_beside_the_config(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'path', [*sys.path])
    (tmp_path / 'plugin_beside_it.py').write_text('LOADED = True')
    config = tmp_path / 'my.py'
    config.write_text(
        "_base_ = ['segda_mm::_base_/schedules/poly_8e.py', "
        "'mmseg::segformer_mit-b0']\n"
        "custom_imports = dict(imports=['plugin_beside_it'])\n"
        'model = dict(decode_head=dict(num_classes=5))\n'
        'channels = _base_.model.decode_head.channels\n'
    )
    cfg = read_config(config)
    assert cfg.train_cfg.max_epochs == 8
    assert cfg.model.backbone.type == 'MixVisionTransformer'
    assert (cfg.model.decode_head.num_classes, cfg.channels) == (5, 256)
    assert '_scope_' not in cfg.model
    assert 'plugin_beside_it' in sys.modules


@pytest.mark.parametrize(
    ('base', 'text', 'message'),
    [
        ('a = 1', "_base_ = ['b.py', 'b.py']", r"two of the files .* both set 'a'"),
        ('a = 1\nb = c', "_base_ = 'b.py'", r'b\.py, line 2: NameError'),
        ('a = 1', "_base_ = 'gone.py'", r'FileNotFoundError: .*gone\.py'),
        ('a = 1', "_base_ = 'segda_mm::gone'", r'there is no config segda_mm::gone'),
        ('a = 1', '\na = dict(b=1)["c"]', r'my\.py, line 2: KeyError: c'),
        ('a = 1', "_base_ = 'b.py'\na = dict(c=1)", r'TypeError: a=.* cannot inherit'),
    ],
)
def test_what_is_wrong_in_a_config_is_a_sentence(tmp_path, base, text, message):
    (tmp_path / 'b.py').write_text(base)
    (tmp_path / 'my.py').write_text(text)
    with pytest.raises(PreflightError, match=f'my.py cannot be read: .*{message}'):
        read_config(tmp_path / 'my.py')
