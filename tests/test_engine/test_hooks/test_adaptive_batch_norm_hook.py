"""Statistics against PyTorch's and NumPy's, and training that does not see them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from segda_mm.apis import PreflightError, load_config
from segda_mm.registry import DATASETS
from segda_mm.testing.run_results import find_difference, trained_state
from segda_mm.testing.tiny_models import tiny_segformer

STATISTICS = ('running_mean', 'running_var')


def hook(street, size=None):
    subset = None if size is None else dict(size=size, seed=0)
    dataset = dict(street.images, subset=subset)
    return dict(
        type='AdaptiveBatchNormHook',
        dataloader=dict(dataset=dataset, batch_size=2, num_workers=0),
    )


def layers_of(network):
    modules = network.named_modules()
    return {name: layer for name, layer in modules if isinstance(layer, _BatchNorm)}


def reference(network, batches):
    """Mean and variance of all that PyTorch gives to each layer in training mode."""
    seen = {}
    for name, layer in layers_of(network).items():
        layer.train()

        def keep(layer, inputs, name=name):
            values = inputs[0].double().movedim(1, 0).flatten(1)
            seen.setdefault(name, []).append(values.numpy())

        layer.register_forward_pre_hook(keep)
    with torch.no_grad():
        for batch in batches:
            network(batch, mode='tensor')
    values = {name: np.concatenate(parts, 1) for name, parts in seen.items()}
    return {
        name: (array.mean(1), array.var(1, ddof=1)) for name, array in values.items()
    }


def without_statistics(state):
    weights = {k: v for k, v in state['weights'].items() if not k.endswith(STATISTICS)}
    logs = {k: v for k, v in state['logs'].items() if k.startswith('train/')}
    return dict(state, weights=weights, logs=logs)


def states_of(runners, file='epoch_2.pth'):
    return [trained_state(Path(runner.work_dir, file)) for runner in runners]


def test_statistics_are_those_of_all_target_images(street):
    """Of a training with four images in two batches."""
    adapted = street.train('adapted', [hook(street, 4)])
    file = Path(adapted.work_dir, 'epoch_2.pth')
    saved = layers_of(street.network(street.config, file))
    dataset = DATASETS.build(hook(street, 4)['dataloader']['dataset'])
    images = [street.inputs(info['img_path']) for info in dataset.load_data_list()]
    batches = [torch.cat(images[:2]), torch.cat(images[2:])]
    expected = reference(street.network(street.config, file), batches)
    for name, moments in expected.items():
        for buffer, moment in zip(STATISTICS, moments):
            found = getattr(saved[name], buffer)
            np.testing.assert_allclose(found, moment, rtol=1e-3, atol=1e-5)
    # Auxiliary heads do not predict, and keep what training left.
    unseen = saved.keys() - expected.keys()
    assert {name.split('.')[0] for name in unseen} == {'auxiliary_head'}
    kept = torch.load(file, weights_only=True)['training_batch_norm']
    for name in unseen:
        for buffer in STATISTICS:
            assert torch.equal(getattr(saved[name], buffer), kept[f'{name}.{buffer}'])


@pytest.mark.parametrize('name', ['epoch_1', 'iter_2', 'iter_3'])
def test_a_resumed_training_equals_an_uninterrupted_one(street, name):
    # Two steps an epoch: iteration 2 precedes the end of the first one, and
    # iteration 3 lies within the second.
    by_epoch = name.startswith('epoch')
    options = {
        'default_hooks.checkpoint.by_epoch': by_epoch,
        'model.backbone.backbone_cfg.norm_eval': True,
    }
    entropy = dict(type='TargetEntropyHook', dataloader=street.dataloader)
    hooks = [hook(street, 4), entropy]
    whole = street.train(f'whole_{name}', hooks, options)
    file = Path(whole.work_dir, f'{name}.pth')
    resumed = street.train(f'resumed_{name}', hooks, options, file)
    last = 'epoch_2.pth' if by_epoch else 'iter_4.pth'
    assert find_difference(*states_of((whole, resumed), last)) is None
    finals = [run.model.state_dict() for run in (whole, resumed)]
    assert find_difference(*finals) is None
    entropies = [
        run.message_hub.get_scalar('val/target_entropy').data[0].tolist()
        for run in (whole, resumed)
    ]
    assert len(entropies[0]) == 2 and entropies[0] == entropies[1]
    shutil.rmtree(resumed.work_dir)
    if not by_epoch:
        (log,) = Path(whole.work_dir).rglob('*.log')
        assert 'iter_*.pth are written before' in log.read_text()


@pytest.mark.parametrize(
    'method, deployed', [('mpl', 'student_generator'), ('mean', 'teacher_generator')]
)
def test_of_two_networks_the_deployed_one_is_adapted(street, method, deployed):
    agreement = dict(type='TeacherStudentAgreementHook', dataloader=street.dataloader)
    options = street.mean_teacher if method == 'mean' else dict
    runners = [
        street.train(f'{method}_{len(hooks)}', hooks, options(), config=street.mpl)
        for hooks in ([], [hook(street), agreement])
    ]
    states = states_of(runners)
    assert find_difference(*map(without_statistics, states)) is None
    weights, adapted = (state['weights'] for state in states)
    changed = {
        name.split('.')[0]
        for name in weights
        if not torch.equal(weights[name], adapted[name])
    }
    assert changed == {deployed}
    hub = runners[1].message_hub
    shares = hub.get_scalar('val/teacher_student_agreement').data[0]
    assert len(shares) == 2 and 0 < shares.min() <= shares.max() <= 1


def test_a_network_without_batch_norm_is_refused(street):
    model = tiny_segformer(3)
    model.decode_head.norm_cfg = None
    preprocessor = load_config(street.config).model.data_preprocessor
    options = {'model': dict(model, data_preprocessor=preprocessor, _delete_=True)}
    with pytest.raises(
        PreflightError, match="model.type='EncoderDecoder' has no such layer.*norm_cfg"
    ):
        street.train('refused', [hook(street)], options)


BY_ITERATION = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=2)


@pytest.mark.parametrize(
    'options, hooks, message',
    [
        ({'train_cfg': BY_ITERATION}, [], "train_cfg.type is 'IterBasedTrainLoop'"),
        ({'efficient_conv_bn_eval': ['backbone']}, [], 'bn_eval .* take it out'),
        ({}, [dict(type='EMAHook')], 'EMAHook deploys another one'),
    ],
)
def test_what_goes_past_the_statistics_is_refused(street, options, hooks, message):
    with pytest.raises(PreflightError, match=f'AdaptiveBatchNormHook .*{message}'):
        street.train('refused', [hook(street), *hooks], options)
