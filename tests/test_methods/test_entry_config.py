"""The entry config at its own sizes, on a tree of GTA5 and of Cityscapes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segda_mm.minicity import write_cityscapes, write_gta5

ROOT = Path(__file__).parents[2]
ENTRY = 'configs/mpl_bisenet_gta2cs.py'

#: DSC, PL and MPL, and the key that takes the checkpoint of the one before.
CHAIN = (
    ('adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024', ''),
    (
        'pseudo_label/pseudo-label-fresh-dsc_bisenetv1-r18_gta2cs-512x1024',
        'custom_hooks.1.checkpoint',
    ),
    ('mpl_bisenet_gta2cs', 'model.teacher_checkpoint.checkpoint'),
)
SHORT = (
    'train_cfg.max_epochs=1',
    'train_dataloader.batch_size=2',
    'train_dataloader.num_workers=0',
)


@pytest.mark.slow
def test_the_chain_to_the_entry_config_and_its_test_with_tta(tmp_path):
    write_gta5(tmp_path / 'data/gta5', num_images=4, size=(1280, 720))
    write_cityscapes(tmp_path / 'data/cityscapes', train=4, val=2, size=(1024, 512))
    for folder in ('configs', 'tools'):
        (tmp_path / folder).symlink_to(ROOT / folder)

    def run(*arguments, check=True):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(ROOT)},
            check=check,
            stderr=subprocess.PIPE,
            text=True,
        )

    checkpoint = None
    for stage, key in CHAIN:
        train = ['tools/train.py', f'configs/{stage}.py', '--cfg-options', *SHORT]
        if key:
            refused = run(*train, check=False)
            assert refused.returncode == 2
            assert key in refused.stderr and 'Traceback' not in refused.stderr
            train.append(f'{key}={checkpoint}')
        run(*train)
        checkpoint = f'work_dirs/{Path(stage).name}/epoch_1.pth'
    work_dir = tmp_path / 'work_dirs/mpl_bisenet_gta2cs'
    run(
        'tools/test.py',
        ENTRY,
        str(work_dir / 'epoch_1.pth'),
        '--tta',
        '--show-dir',
        str(tmp_path / 'shown'),
    )
    report = json.loads((work_dir / 'epoch_1_tta_metrics.json').read_text())
    assert report['tta'] and report['num_images'] == 2
    assert {'mIoU', 'aAcc', 'pixel_precision'} <= report['metrics'].keys()
    assert len(report['per_class_iou']) == 19
    assert len(list((tmp_path / 'shown').rglob('*.png'))) == 2
