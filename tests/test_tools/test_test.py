"""The command line of evaluation; what it does is tested with the apis."""

import json

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.registry import MODELS
from segda_mm.visualization.confusion import read_confusion


def test_tta_show_dir_out_and_results(toy_config, tmp_path, run_command):
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(toy_config).model)
    checkpoint = tmp_path / 'net.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    folders = ('--work-dir', tmp_path / 'here', '--show-dir', tmp_path / 'show')
    words = (
        '--tta',
        '--confusion',
        '--out',
        tmp_path / 'out',
        '--cfg-options',
        'randomness.seed=3',
    )
    assert run_command('test', toy_config, checkpoint, *folders, *words) == 0
    results = json.loads((tmp_path / 'here' / 'net_tta_metrics.json').read_text())
    assert results['tta'] is True
    assert list(results['per_class_iou']) == ['road', 'car', 'sky']
    assert len(list((tmp_path / 'show').glob('*.png'))) == 3
    assert len(list((tmp_path / 'out').glob('*.png'))) == 3
    table = tmp_path / 'here' / 'net_tta_confusion.csv'
    counts, names = read_confusion(table)
    assert names == ['road', 'car', 'sky']
    expected = np.zeros((3, 3), int)
    for file in (tmp_path / 'out').glob('*.png'):
        truth = np.asarray(Image.open(tmp_path / 'data/labels/val' / file.name))
        counted = truth != 255
        np.add.at(expected, (truth[counted], np.asarray(Image.open(file))[counted]), 1)
    np.testing.assert_array_equal(counts, expected)
    assert min(Image.open(table.with_suffix('.png')).size) > 200
