import hashlib
from pathlib import Path

import pytest
from mmengine.config import Config

from studies.data_files import hash_of_plan_data, hash_of_training_data
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world
from segda_mm.testing.toy_job import write_toy_job
from segda_mm.testing.toy_plan import write_toy_plan

ROOT = Path(__file__).parents[2]


@pytest.fixture
def toy(tmp_path):
    return Config.fromfile(write_toy_job(tmp_path))


def expected_hash(*roots_and_files):
    lines = sorted(
        {
            f'{file.relative_to(root).as_posix()}\t{file.stat().st_size}\n'
            for root, files in roots_and_files
            for file in files
        }
    )
    return hashlib.sha256(''.join(lines).encode()).hexdigest()


def test_names_and_sizes_of_images_and_labels(toy, tmp_path):
    root = tmp_path / 'data'
    files = [path for path in root.rglob('*') if path.is_file()]
    assert len(files) == 14
    assert hash_of_training_data(toy) == expected_hash((root, files))


def test_a_size_or_a_name_changes_the_hash_and_a_place_does_not(toy, tmp_path):
    before = hash_of_training_data(toy)
    label = tmp_path / 'data/labels/val/2.png'
    label.write_bytes(label.read_bytes() + b'0')
    changed = hash_of_training_data(toy)
    assert changed != before
    for kind in ('images', 'labels'):
        file = tmp_path / f'data/{kind}/train/0.png'
        file.rename(file.with_name('9.png'))
    assert hash_of_training_data(toy) not in (before, changed)
    other = Config.fromfile(write_toy_job(tmp_path / 'other'))
    assert hash_of_training_data(other) == before


def test_source_and_target_of_a_pair_enter(tmp_path):
    write_tiny_world(tmp_path)
    cfg = tiny_method_config('adversarial', ROOT / 'configs', tmp_path)
    before = hash_of_training_data(cfg)
    source = next((tmp_path / 'gta5' / 'labels').rglob('*.png'))
    target = next((tmp_path / 'cityscapes' / 'leftImg8bit' / 'train').rglob('*.png'))
    hashes = {before}
    for file in (source, target):
        file.write_bytes(file.read_bytes() + b'0')
        hashes.add(hash_of_training_data(cfg))
    assert len(hashes) == 3


def test_the_data_of_a_plan(tmp_path):
    cfg = Config.fromfile(write_toy_plan(tmp_path))
    root = tmp_path / 'data'
    files = list(root.rglob('*.png'))
    assert hash_of_plan_data(cfg) == expected_hash((root, files))
