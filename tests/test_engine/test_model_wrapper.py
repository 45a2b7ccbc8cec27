"""Processes against their own resume and against averaging."""

import copy
import signal

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn
from torch.distributed import HashStore

from segda_mm.apis import load_config
from segda_mm.engine.model_wrapper import _CallsThroughDDP, loss_call_of
from segda_mm.registry import MODELS
from segda_mm.testing.run_results import find_difference, trained_state

KILLED = -signal.SIGKILL


@pytest.fixture(scope='module')
def work_dirs(street, run_elsewhere):
    """Trainings of several processes, by name."""
    root, checkpoint = street.folder, dict(by_epoch=False, interval=1)
    resumable = {'train_cfg.max_epochs': 3, 'default_hooks.checkpoint': checkpoint}
    two = dict(resumable, config=str(street.mpl), world_size=2)
    # Of three processes sums are rounded by the order in which they are added.
    three = dict(resumable, config=str(street.config), world_size=3)
    jobs = dict(
        whole=two,
        killed=dict(two, kill=('step', 2)),
        one_network_whole=three,
        one_network_killed=dict(three, kill=('step', 2)),
        supervised_ddp=dict(config=str(street.config), world_size=2),
        mean_teacher_ddp=dict(
            config=str(street.mpl), world_size=2, **street.mean_teacher()
        ),
    )
    jobs = {name: dict(job, work_dir=str(root / name)) for name, job in jobs.items()}
    for name in ('supervised', 'mean_teacher'):
        wrapper = dict(type='PassThroughDistributed', use_ddp=False)
        job = dict(work_dir=str(root / name), model_wrapper_cfg=wrapper)
        jobs[name] = {**jobs[f'{name}_ddp'], **job}
    for name in ('killed', 'one_network_killed'):
        jobs[f'{name} and resumed'] = dict(jobs[name], resume='auto')
        del jobs[f'{name} and resumed']['kill']
    ends = run_elsewhere(*jobs.values())
    expected = [
        [KILLED if 'kill' in job else 0] * job['world_size'] for job in jobs.values()
    ]
    assert ends == expected, run_elsewhere.stderr
    return root


@pytest.mark.parametrize(
    'whole, killed',
    [
        # With batch normalization, whose statistics differ between the ranks
        # unless they are shared: resumed, rank 1 has those of rank 0, and would
        # validate its share of the images with another network than before.
        ('whole', 'killed'),
        ('one_network_whole', 'one_network_killed'),
    ],
)
def test_a_resumed_run_equals_the_uninterrupted_one(work_dirs, whole, killed):
    states = [
        trained_state(work_dirs / name / 'iter_3.pth') for name in (whole, killed)
    ]
    assert 'val/mIoU' in states[0]['logs']
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


@pytest.mark.parametrize(
    'name, expected',
    [
        ('config', ('forward', '')),
        ('mean_teacher', ('student_losses', 'student_generator')),
        ('mpl', None),
    ],
)
def test_the_loss_of_one_network_goes_through_ddp(street, name, expected):
    init_default_scope('mmseg')
    options = street.mean_teacher() if name == 'mean_teacher' else None
    config = street.config if name == 'config' else street.mpl
    model = MODELS.build(load_config(config, options).model)
    if expected is not None:
        expected = (expected[0], model.get_submodule(expected[1]))
    assert loss_call_of(model) == expected
    if name == 'mean_teacher':
        # Several backward passes of one update are averaged at its end.
        model.backward_per_pass = True
        assert loss_call_of(model) is None


@pytest.fixture
def through_ddp():
    """A network in a group of one process, and the calls of it."""
    torch.distributed.init_process_group(
        'gloo', store=HashStore(), rank=0, world_size=1
    )
    network = nn.Sequential(nn.Linear(2, 1))
    yield network, _CallsThroughDDP(network, 'forward', network, find_unused=False)
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
