import json
from pathlib import Path

import numpy as np
import pytest
import torch

from segda_mm.apis import PreflightError, load_config
from segda_mm.apis.runner import build_runner

#: Small steps, whose figures differ from epoch to epoch.
OPTIONS = {
    'default_hooks.checkpoint': dict(save_best='target_entropy', rule='less'),
    'train_cfg.max_epochs': 3,
    'optim_wrapper.optimizer.lr': 0.1,
}


def reference(street, checkpoint):
    """Entropy and diversity of the 40x48 pixels that are no padding."""
    model = street.network(street.config, checkpoint)
    shares = []
    for file in street.files:
        inputs = street.inputs(file)
        assert inputs.shape[2:] == (64, 64)
        with torch.no_grad():
            logits = torch.nn.functional.interpolate(
                model(inputs, mode='tensor'), size=(64, 64), mode='bilinear'
            )
        probabilities = logits.double().softmax(1)[0, :, :40, :48]
        shares.append(probabilities.reshape(3, -1).numpy())
    shares = np.concatenate(shares, 1)
    entropy = -(shares * np.log(shares)).sum(0).mean()
    mean = shares.mean(1)
    return entropy / np.log(3), -(mean * np.log(mean)).sum() / np.log(3)


@pytest.fixture(scope='module')
def trained(street):
    hooks = [dict(type='TargetEntropyHook', dataloader=street.dataloader)]
    return street.train('entropy', hooks, OPTIONS)


def logged(runner, name):
    return runner.message_hub.get_scalar(f'val/{name}').data[0].tolist()


def test_figures_equal_numpy(street, trained):
    for epoch in range(3):
        file = Path(trained.work_dir, f'epoch_{epoch + 1}.pth')
        entropy, diversity = reference(street, file)
        assert logged(trained, 'target_entropy')[epoch] == pytest.approx(
            entropy, abs=1e-5
        )
        assert logged(trained, 'target_diversity')[epoch] == pytest.approx(
            diversity, abs=1e-5
        )
        assert logged(trained, 'target_information')[epoch] == pytest.approx(
            diversity - entropy, abs=1e-5
        )


def test_the_checkpoint_is_chosen_by_it(trained):
    entropies = logged(trained, 'target_entropy')
    assert len(set(entropies)) == 3
    (best,) = Path(trained.work_dir).glob('best_*')
    epoch = 1 + int(np.argmin(entropies))
    assert best.name == f'best_target_entropy_epoch_{epoch}.pth'
    content = torch.load(best, weights_only=True)
    assert content['message_hub']['runtime_info']['best_score'] == min(entropies)


def test_figures_are_in_the_log_of_the_visualizer(trained):
    (file,) = Path(trained.work_dir).rglob('scalars.json')
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows = [row for row in rows if 'target_entropy' in row]
    assert [row['step'] for row in rows] == [1, 2, 3]
    for name in ('target_entropy', 'target_diversity', 'target_information'):
        assert [row[name] for row in rows] == logged(trained, name)
    assert all('mIoU' in row for row in rows)


def test_a_validation_without_training_has_them_too(street, trained):
    cfg = load_config(street.config, work_dir=street.folder / 'alone')
    cfg.custom_hooks = [dict(type='TargetEntropyHook', dataloader=street.dataloader)]
    cfg.load_from = str(Path(trained.work_dir, 'epoch_2.pth'))
    metrics = build_runner(cfg).val()
    assert metrics['target_entropy'] == logged(trained, 'target_entropy')[1]


def test_a_network_without_class_probabilities_is_refused(street):
    head = {
        'model.decode_head.num_classes': 2,
        'model.decode_head.out_channels': 1,
        'model.decode_head.threshold': 0.5,
        'model.decode_head.loss_decode.use_sigmoid': True,
    }
    hooks = [dict(type='TargetEntropyHook', dataloader=street.dataloader)]
    with pytest.raises(PreflightError, match='decode_head.out_channels is 1'):
        street.train('refused', hooks, head)
