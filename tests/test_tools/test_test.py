"""The command line of evaluation; what it does is tested with the apis."""

import json

import torch
from mmengine.config import Config

from segda_mm.registry import MODELS


def test_tta_show_dir_out_and_results(toy_config, tmp_path, run_command):
    model = MODELS.build(Config.fromfile(toy_config).model)
    checkpoint = tmp_path / 'net.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    folders = ('--work-dir', tmp_path / 'here', '--show-dir', tmp_path / 'show')
    words = ('--tta', '--out', tmp_path / 'out', '--cfg-options', 'randomness.seed=3')
    assert run_command('test', toy_config, checkpoint, *folders, *words) == 0
    results = json.loads((tmp_path / 'here' / 'net_tta_metrics.json').read_text())
    assert results['tta'] is True
    assert list(results['per_class_iou']) == ['road', 'car', 'sky']
    assert len(list((tmp_path / 'show').glob('*.png'))) == 3
    assert len(list((tmp_path / 'out').glob('*.png'))) == 3
