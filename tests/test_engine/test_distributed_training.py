"""Two gloo processes against one process, and against their own resume."""

import os
import signal
from datetime import timedelta

import pytest
import torch

from segda_mm.engine import initialize_process_group

PLAIN = dict(type='ToyAdversarial', norm=False, dropout=0.0)


@pytest.fixture(scope='module')
def work_dirs(run_elsewhere, tmp_path_factory):
    root = tmp_path_factory.mktemp('distributed')
    common = dict(world_size=2, batch_size=1, max_epochs=2)
    killed = dict(common, work_dir=str(root / 'killed'))
    statuses = run_elsewhere(
        dict(common, work_dir=str(root / 'plain'), model=PLAIN),
        dict(common, work_dir=str(root / 'whole')),
        dict(killed, kill=('step', 5)),
        dict(killed, resume=True),
    )
    ends = [
        [os.WTERMSIG(status) if os.WIFSIGNALED(status) else status for status in pair]
        for pair in statuses
    ]
    assert ends == [[0, 0], [0, 0], [signal.SIGKILL] * 2, [0, 0]], run_elsewhere.stderr
    return root


def _states(folder):
    content = torch.load(folder / 'iter_12.pth', weights_only=True)
    validated = content['message_hub']['log_scalars']['val/acc']
    return content['state_dict'], content['optimizer'], validated


def test_two_processes_equal_one_with_their_batches_together(toy, work_dirs, tmp_path):
    # Each rank steps on every second sample of the common order.
    runner = toy.train_toy(work_dir=tmp_path, batch_size=2, max_epochs=2, model=PLAIN)
    weights, optimizers, _ = _states(work_dirs / 'plain')
    torch.testing.assert_close(dict(weights), dict(runner.model.state_dict()))
    torch.testing.assert_close(
        optimizers['generator']['state'],
        runner.optim_wrapper['generator'].state_dict()['state'],
    )


def test_two_processes_resume_exactly(work_dirs):
    # With batch normalization, whose statistics differ between the ranks
    # unless they are shared: resumed, rank 1 has those of rank 0, and would
    # validate its share of the images with another network than before.
    for whole, resumed in zip(
        _states(work_dirs / 'whole'), _states(work_dirs / 'killed')
    ):
        torch.testing.assert_close(whole, resumed, rtol=0, atol=0)


def test_missing_launcher_is_named(monkeypatch):
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match='torchrun'):
        initialize_process_group('pytorch')


@pytest.mark.parametrize('launcher', ['none', 'slurm', 'mpi'])
def test_other_launchers_are_left_to_the_runner(launcher):
    initialize_process_group(launcher)
    assert not torch.distributed.is_initialized()


@pytest.fixture
def started(monkeypatch):
    """What `init_process_group` is called with, on a machine without CUDA."""
    calls = []
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '0')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(
        torch.distributed,
        'init_process_group',
        lambda *args, **kwargs: calls.append((args, kwargs)),
    )
    return calls


def test_backend_and_timeout_come_from_the_config(started, monkeypatch):
    nccl = dict(dist_cfg=dict(backend='nccl', timeout=90))
    initialize_process_group('pytorch', nccl)
    initialize_process_group('pytorch')
    assert started == [
        (('gloo',), dict(timeout=timedelta(seconds=90))),
        (('gloo',), dict(timeout=None)),
    ]
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'set_device', lambda device: None)
    initialize_process_group('pytorch', nccl)
    initialize_process_group('pytorch', dict(dist_cfg=dict(backend='gloo')))
    assert started[2:] == [
        ((), dict(backend='nccl', timeout=timedelta(seconds=90))),
        ((), dict(backend='gloo', timeout=None)),
    ]


@pytest.mark.parametrize(
    'dist_cfg, message',
    [
        (dict(backend='ncll'), r"dist_cfg\.backend is 'ncll'"),
        (dict(timeout=0), r'dist_cfg\.timeout is 0'),
        (dict(timeout='1h'), r"dist_cfg\.timeout is '1h'"),
    ],
)
def test_wrong_settings_are_named(started, dist_cfg, message):
    with pytest.raises(ValueError, match=message):
        initialize_process_group('pytorch', dict(dist_cfg=dist_cfg))
    assert not started
