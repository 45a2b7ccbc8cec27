"""Processes against one process, against their own resume and against averaging."""

import copy
import signal

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn
from torch.distributed import HashStore

from segda_mm.apis import load_config
from segda_mm.engine.model_wrapper import LossCall, _CallsThroughDDP, loss_call_of
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet, tiny_panoptic_deeplab
from segda_mm.testing.run_results import find_difference, trained_state

PLAIN = dict(type='ToyAdversarial', norm=False, dropout=0.0)
KILLED = -signal.SIGKILL


@pytest.fixture(scope='module')
def work_dirs(toy, street, run_elsewhere, tmp_path_factory):
    """Trainings of several processes, by name."""
    root = tmp_path_factory.mktemp('processes')
    two = dict(world_size=2, batch_size=1, max_epochs=2)
    # Of three processes sums are rounded by the order in which they are added.
    three = dict(two, world_size=3, interval=2, model=toy.ONE_NETWORK)
    averaged = dict(world_size=2, hooks=[])
    jobs = dict(
        plain=dict(two, model=PLAIN),
        whole=two,
        killed=dict(two, kill=('step', 5)),
        one_network_whole=three,
        one_network_killed=dict(three, kill=('step', 3)),
        supervised_ddp=dict(averaged, config=str(street.config)),
        mean_teacher_ddp=dict(
            averaged, config=str(street.mpl), **street.mean_teacher()
        ),
    )
    jobs = {name: dict(job, work_dir=str(root / name)) for name, job in jobs.items()}
    for name in ('supervised', 'mean_teacher'):
        wrapper = dict(type='PassThroughDistributed', use_ddp=False)
        jobs[name] = dict(
            jobs[f'{name}_ddp'],
            work_dir=str(root / name),
            model_wrapper_cfg=wrapper,
        )
    for name in ('killed', 'one_network_killed'):
        job = dict(jobs[name], resume=True)
        del job['kill']
        jobs[f'{name} and resumed'] = job
    ends = run_elsewhere(*jobs.values())
    expected = [
        [KILLED if 'kill' in job else 0] * job['world_size'] for job in jobs.values()
    ]
    assert ends == expected, run_elsewhere.stderr
    return root


def test_two_processes_equal_one_with_their_batches_together(toy, work_dirs, tmp_path):
    # Each rank steps on every second sample of the common order.
    runner = toy.train_toy(work_dir=tmp_path, batch_size=2, max_epochs=2, model=PLAIN)
    state = trained_state(work_dirs / 'plain' / 'iter_12.pth')
    torch.testing.assert_close(dict(state['weights']), dict(runner.model.state_dict()))
    torch.testing.assert_close(
        state['optimizers']['generator']['state'],
        runner.optim_wrapper['generator'].state_dict()['state'],
    )


@pytest.mark.parametrize(
    'whole, killed, last',
    [
        # With batch normalization, whose statistics differ between the ranks
        # unless they are shared: resumed, rank 1 has those of rank 0, and would
        # validate its share of the images with another network than before.
        ('whole', 'killed', 'iter_12.pth'),
        ('one_network_whole', 'one_network_killed', 'iter_8.pth'),
    ],
)
def test_a_resumed_run_equals_the_uninterrupted_one(work_dirs, whole, killed, last):
    states = [trained_state(work_dirs / name / last) for name in (whole, killed)]
    assert 'val/acc' in states[0]['logs']
    assert find_difference(*states) is None


@pytest.mark.parametrize('method', ['supervised', 'mean_teacher'])
def test_ddp_does_what_averaging_at_the_step_does(work_dirs, method):
    by_ddp, at_step = (
        [
            torch.load(work_dirs / name / f'process_{rank}.pth', weights_only=True)
            for rank in (0, 1)
        ]
        for name in (f'{method}_ddp', method)
    )
    assert find_difference(*by_ddp) is None
    torch.testing.assert_close(by_ddp[0]['weights'], at_step[0]['weights'])
    # Checkpoints name the weights as those of one process do.
    state = trained_state(work_dirs / f'{method}_ddp' / 'epoch_2.pth')
    assert state['weights'].keys() == by_ddp[0]['weights'].keys()
    assert not any('network' in name for name in state['weights'])


GENERATOR = dict(type='SegmentorGenerator', segmentor=tiny_bisenet())
BISENET_DA = dict(
    type='BiSeNetDA',
    generator=GENERATOR,
    discriminator=dict(type='DSCDiscriminator', num_classes=4),
    adv_weight=0.001,
    target_loss_weight=0.0,
)


@pytest.mark.parametrize(
    'config, expected',
    [
        (tiny_bisenet(), ('forward', '')),
        (tiny_panoptic_deeplab(), ('forward', '')),
        ('mean_teacher', ('student_losses', 'student_generator')),
        ('mpl', None),
        (BISENET_DA, None),
    ],
)
def test_the_loss_of_one_network_goes_through_ddp(street, config, expected):
    init_default_scope('mmseg')
    if isinstance(config, str):
        options = street.mean_teacher() if config == 'mean_teacher' else None
        config = load_config(street.mpl, options).model
    model = MODELS.build(config)
    call = loss_call_of(model)
    if expected is None:
        assert call is None
    else:
        assert call == (expected[0], model.get_submodule(expected[1]))


@pytest.fixture
def through_ddp():
    """A network in a group of one process, and the calls of it."""
    torch.distributed.init_process_group(
        'gloo', store=HashStore(), rank=0, world_size=1
    )
    network = nn.Sequential(nn.Linear(2, 1))
    call = LossCall('forward', network)
    yield network, _CallsThroughDDP(network, call, find_unused_parameters=False)
    torch.distributed.destroy_process_group()


def test_a_step_that_goes_past_ddp_is_refused(through_ddp):
    network, calls = through_ddp
    network(torch.ones(1, 2)).sum().backward()
    calls.require_call()
    with torch.no_grad():
        network(torch.ones(1, 2))
    network[0](torch.ones(1, 2)).sum().backward()
    with pytest.raises(RuntimeError, match=r'train_step does not call self\.forward'):
        calls.require_call()


def test_a_copy_of_a_network_is_a_network_of_its_own(through_ddp):
    network, _ = through_ddp
    other = copy.deepcopy(network)
    other[0].weight.data.zero_()
    other(torch.ones(1, 2)).sum().backward()
    assert other[0].weight.grad is not None
    assert network[0].weight.grad is None
    assert other(torch.ones(1, 2)).item() == other[0].bias.item()
