"""Statistics against PyTorch's and NumPy's, and training that does not see them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from segda_mm.apis import PreflightError, build_runner, load_config
from segda_mm.registry import DATASETS
from segda_mm.testing.run_results import find_difference, trained_state
from segda_mm.testing.tiny_models import tiny_segformer

STATISTICS = ('running_mean', 'running_var')


def hook(street, size=None, batch_size=2):
    subset = None if size is None else dict(size=size, seed=0)
    dataset = dict(street.images, subset=subset)
    return dict(
        type='AdaptiveBatchNormHook',
        dataloader=dict(dataset=dataset, batch_size=batch_size, num_workers=0),
    )


def layers_of(network):
    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm)
    }


def reference(network, batches):
    """Mean and variance of all that PyTorch gives to each layer in training mode."""
    seen, handles = {}, []
    for name, layer in layers_of(network).items():
        layer.train()

        def keep(layer, inputs, name=name):
            values = inputs[0].double().movedim(1, 0).flatten(1)
            seen.setdefault(name, []).append(values.numpy())

        handles.append(layer.register_forward_pre_hook(keep))
    with torch.no_grad():
        for batch in batches:
            network(batch, mode='tensor')
    for handle in handles:
        handle.remove()
    values = {name: np.concatenate(parts, 1) for name, parts in seen.items()}
    return {
        name: (array.mean(1), array.var(1, ddof=1)) for name, array in values.items()
    }


def check_statistics(expected, layers):
    for name, moments in expected.items():
        for buffer, moment in zip(STATISTICS, moments):
            np.testing.assert_allclose(
                getattr(layers[name], buffer),
                moment,
                rtol=1e-3,
                atol=1e-5,
                err_msg=f'{name}.{buffer}',
            )


def without_statistics(state):
    state = dict(state)
    state['weights'] = {
        name: value
        for name, value in state['weights'].items()
        if not name.endswith(STATISTICS)
    }
    state['logs'] = {
        name: values
        for name, values in state['logs'].items()
        if name.startswith('train/')
    }
    return state


@pytest.fixture(scope='module')
def adapted(street):
    """A training with four target images in two batches."""
    options = {'train_cfg.max_epochs': 3}
    return street.train('adapted', [hook(street, 4)], options)


def test_statistics_are_those_of_all_target_images(street, adapted):
    file = Path(adapted.work_dir, 'epoch_2.pth')
    saved = layers_of(street.network(street.config, file))
    dataset = DATASETS.build(hook(street, 4)['dataloader']['dataset'])
    images = [street.inputs(info['img_path']) for info in dataset.load_data_list()]
    batches = [torch.cat(images[:2]), torch.cat(images[2:])]
    expected = reference(street.network(street.config, file), batches)
    check_statistics(expected, saved)
    # Auxiliary heads do not predict, and keep what training left.
    unseen = saved.keys() - expected.keys()
    assert {name.split('.')[0] for name in unseen} == {'auxiliary_head'}
    kept = torch.load(file, weights_only=True)['training_batch_norm']
    for name in unseen:
        for buffer in STATISTICS:
            assert torch.equal(getattr(saved[name], buffer), kept[f'{name}.{buffer}'])


# A backbone that trains with running statistics notices any change of them.
@pytest.mark.parametrize('norm_eval', [False, True])
def test_training_is_that_without_the_hook(street, norm_eval):
    options = {'model.backbone.backbone_cfg.norm_eval': norm_eval}
    plain = street.train(f'plain_{norm_eval}', [], options)
    hooked = street.train(f'hooked_{norm_eval}', [hook(street, 4)], options)
    files = [Path(runner.work_dir, 'epoch_2.pth') for runner in (plain, hooked)]
    states = [trained_state(file) for file in files]
    assert find_difference(*map(without_statistics, states)) is None
    kept = torch.load(files[1], weights_only=True)['training_batch_norm']
    of_training, adapted = (state['weights'] for state in states)
    assert kept.keys() == {name for name in adapted if name.endswith(STATISTICS)}
    for name, value in kept.items():
        assert torch.equal(value, of_training[name])
        if not name.startswith('auxiliary_head'):
            assert not torch.equal(value, adapted[name])


def test_validation_sees_the_adapted_network(street, adapted):
    cfg = load_config(street.config, work_dir=street.folder / 'seen')
    cfg.load_from = str(Path(adapted.work_dir, 'epoch_3.pth'))
    metrics = build_runner(cfg).val()
    hub = adapted.message_hub
    assert metrics['aAcc'] == hub.get_scalar('val/aAcc').current()


@pytest.mark.parametrize(
    'by_epoch, name', [(True, 'epoch_1'), (False, 'iter_2'), (False, 'iter_3')]
)
def test_a_resumed_training_equals_an_uninterrupted_one(street, by_epoch, name):
    # Two steps an epoch: iteration 2 precedes the end of the first one, and
    # iteration 3 lies within the second.
    options = {
        'default_hooks.checkpoint.by_epoch': by_epoch,
        'model.backbone.backbone_cfg.norm_eval': True,
    }
    hooks = [
        hook(street, 4),
        dict(type='TargetEntropyHook', dataloader=street.dataloader),
    ]
    whole = street.train(f'whole_{name}', hooks, options)
    resumed = street.train(
        f'resumed_{name}', hooks, options, Path(whole.work_dir, f'{name}.pth')
    )
    last = 'epoch_2.pth' if by_epoch else 'iter_4.pth'
    states = [trained_state(Path(run.work_dir, last)) for run in (whole, resumed)]
    assert find_difference(*states) is None
    finals = [run.model.state_dict() for run in (whole, resumed)]
    assert find_difference(*finals) is None
    entropies = [
        run.message_hub.get_scalar('val/target_entropy').data[0].tolist()
        for run in (whole, resumed)
    ]
    assert len(entropies[0]) == 2 and entropies[0] == entropies[1]
    shutil.rmtree(resumed.work_dir)


def test_an_image_left_over_counts_too(street):
    # PyTorch's BatchNorm refuses one value a channel, as pooled maps have.
    runner = street.train('left_over', [hook(street)])
    network = street.network(street.config, Path(runner.work_dir, 'epoch_2.pth'))
    first = network.backbone.spatial_path.layer1
    with torch.no_grad():
        values = torch.cat([first.conv(street.inputs(f)) for f in street.files])
    values = values.movedim(1, 0).flatten(1)
    torch.testing.assert_close(
        first.bn.running_mean, values.mean(1), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(
        first.bn.running_var, values.var(1), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    'method, deployed', [('mpl', 'student_generator'), ('mean', 'teacher_generator')]
)
def test_of_two_networks_the_deployed_one_is_adapted(street, method, deployed):
    agreement = dict(type='TeacherStudentAgreementHook', dataloader=street.dataloader)
    plain, hooked = (
        street.train(
            f'{method}_{len(hooks)}',
            hooks,
            street.mean_teacher() if method == 'mean' else {},
            config=street.mpl,
        )
        for hooks in ([], [hook(street), agreement])
    )
    states = [
        trained_state(Path(runner.work_dir, 'epoch_2.pth'))
        for runner in (plain, hooked)
    ]
    assert find_difference(*map(without_statistics, states)) is None
    weights, adapted = (state['weights'] for state in states)
    changed = {
        name.split('.')[0]
        for name in weights
        if not torch.equal(weights[name], adapted[name])
    }
    assert changed == {deployed}
    shares = hooked.message_hub.get_scalar('val/teacher_student_agreement').data[0]
    assert len(shares) == 2 and 0 < shares.min() <= shares.max() <= 1


def test_a_network_without_batch_norm_is_refused(street):
    model = tiny_segformer(3)
    model.decode_head.norm_cfg = None
    options = {'model': dict(model, _delete_=True)}
    preprocessor = load_config(street.config).model.data_preprocessor
    options['model']['data_preprocessor'] = preprocessor
    with pytest.raises(
        PreflightError, match="model.type='EncoderDecoder' has no such layer.*norm_cfg"
    ):
        street.train('refused', [hook(street)], options)


@pytest.mark.parametrize(
    'options, hooks, message',
    [
        (
            {'train_cfg': dict(_delete_=True, type='IterBasedTrainLoop', max_iters=2)},
            [],
            "train_cfg.type is 'IterBasedTrainLoop'",
        ),
        (
            {'efficient_conv_bn_eval': ['backbone']},
            [],
            'efficient_conv_bn_eval .* take it out',
        ),
        ({}, [dict(type='EMAHook')], 'EMAHook deploys another one'),
    ],
)
def test_what_goes_past_the_statistics_is_refused(street, options, hooks, message):
    with pytest.raises(PreflightError, match=f'AdaptiveBatchNormHook .*{message}'):
        street.train('refused', [hook(street), *hooks], options)


def test_checkpoints_by_iteration_bring_a_warning(street):
    options = {'default_hooks.checkpoint.by_epoch': False}
    runner = street.train('by_iteration', [hook(street)], options)
    (log,) = Path(runner.work_dir).rglob('*.log')
    assert 'iter_*.pth are written before' in log.read_text()
    content = torch.load(Path(runner.work_dir, 'iter_4.pth'), weights_only=True)
    assert 'training_batch_norm' not in content
