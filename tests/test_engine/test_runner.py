"""Weights that are loaded must be all of them."""

import pytest
import torch
from mmengine.registry import init_default_scope

from segda_mm.apis import build_runner, load_config
from segda_mm.registry import MODELS


def test_load_from_demands_all_weights(street, tmp_path):
    cfg = load_config(street.config, work_dir=tmp_path)
    init_default_scope('mmseg')
    weights = MODELS.build(cfg.model).state_dict()
    # As DDP and other wrappers save them.
    content = {f'module.{name}': weight for name, weight in weights.items()}
    file = tmp_path / 'net.pth'
    torch.save(dict(state_dict=content), file)
    runner = build_runner(cfg)
    runner.load_checkpoint(str(file))
    torch.testing.assert_close(dict(runner.model.state_dict()), dict(weights))

    name = next(iter(content))
    del content[name]
    torch.save(dict(state_dict=content), file)
    with pytest.raises(ValueError, match=name.removeprefix('module.')):
        runner.load_checkpoint(str(file))
    with pytest.raises(FileNotFoundError, match='local file'):
        runner.load_checkpoint('gone.pth')
