"""An epoch without steps, in which BatchNorm takes the statistics of the target."""

from pathlib import Path

import torch

from segda_mm.apis import load_config, train
from segda_mm.models.checkpoints import under_prefix
from segda_mm.registry import DATASETS, MODELS
from segda_mm.testing import tiny_bisenet
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

CONFIGS = Path(__file__).parents[3] / 'configs'
BATCH_NORM = 'source_free/batch-norm_bisenetv1-lite0_minicity-128x256.py'


def test_statistics_are_the_targets_and_no_weight_moves(tmp_path):
    write_tiny_world(tmp_path / 'world')
    cfg = tiny_method_config(BATCH_NORM, CONFIGS, tmp_path / 'world')
    torch.manual_seed(0)
    start = MODELS.build(tiny_bisenet(19)).state_dict()
    torch.save(dict(state_dict=start), tmp_path / 'net.pth')
    cfg.model.generator.checkpoint = str(tmp_path / 'net.pth')
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.checkpoint.by_epoch = True
    cfg.dump(tmp_path / 'batch_norm.py')
    cfg = load_config(tmp_path / 'batch_norm.py', work_dir=tmp_path / 'run')
    runner = train(cfg)
    assert (runner.epoch, runner.iter) == (1, 3)
    assert runner.message_hub.get_scalar('val/mIoU').current() >= 0

    content = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=True)
    adapted = under_prefix(content['state_dict'], 'generator.segmentor.')
    changed = {name for name in start if not torch.equal(start[name], adapted[name])}
    assert {name.rpartition('.')[2] for name in changed} == {
        *('running_mean', 'running_var'),
    }
    dataset = DATASETS.build(cfg.custom_hooks[0].dataloader.dataset)
    samples = [dataset[index] for index in range(len(dataset))]
    batch = dict(
        inputs=[sample['inputs'] for sample in samples],
        data_samples=[sample['data_samples'] for sample in samples],
    )
    images = runner.model.data_preprocessor(batch)['inputs']
    layer = 'backbone.spatial_path.layer1'
    convolution = runner.model.deployed.get_submodule(f'{layer}.conv')
    with torch.no_grad():
        variance, mean = torch.var_mean(convolution(images).double(), (0, 2, 3))
    for name, expected in (('mean', mean), ('var', variance)):
        found = adapted[f'{layer}.bn.running_{name}'].double()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    cfg = load_config(tmp_path / 'batch_norm.py', work_dir=tmp_path / 'run')
    assert train(cfg, resume='auto').iter == 3
